// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A store whose calls throw for the writers of some streams: one kind of call, a few times for each stream. */
final class ThrowingStore implements EventStore {

    /** The call that throws, and whether it throws an exception or an error. */
    enum Fault {
        APPENDER_EXCEPTION,
        APPENDER_ERROR,
        APPEND_EXCEPTION,
        APPEND_ERROR,
        END_EXCEPTION,
        END_ERROR
    }

    /** How many times the store throws for each stream; more often than a dispatcher retries without a pause. */
    private static final int TIMES = 5;

    private final EventStore store;
    private final Fault fault;
    private final Set<String> affected = ConcurrentHashMap.newKeySet();
    private final ConcurrentHashMap<String, AtomicInteger> thrown = new ConcurrentHashMap<>();

    ThrowingStore(EventStore store, Fault fault) {
        this.store = store;
        this.fault = fault;
    }

    void affect(String streamId) {
        affected.add(streamId);
    }

    /** Returns how many times the store has thrown. */
    int thrown() {
        return thrown.values().stream().mapToInt(AtomicInteger::get).sum();
    }

    private void maybeThrow(String streamId, Fault exception, Fault error) {
        if (!affected.contains(streamId) || (fault != exception && fault != error)) {
            return;
        }
        AtomicInteger count = thrown.computeIfAbsent(streamId, id -> new AtomicInteger());
        if (count.get() == TIMES) {
            return;
        }
        count.incrementAndGet();
        if (fault == error) {
            throw new NoClassDefFoundError("a test of a store that throws an Error");
        }
        throw new IllegalStateException("a test of a store that throws");
    }

    @Override
    public EventStream open(String streamId) {
        return store.open(streamId);
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        maybeThrow(streamId, Fault.APPENDER_EXCEPTION, Fault.APPENDER_ERROR);
        EventAppender appender = store.appender(streamId, epoch);
        return new EventAppender() {
            @Override
            public long append(@Nullable String type, String data) {
                maybeThrow(streamId, Fault.APPEND_EXCEPTION, Fault.APPEND_ERROR);
                return appender.append(type, data);
            }

            @Override
            public void flush() {
                appender.flush();
            }

            @Override
            public void end(End end) {
                maybeThrow(streamId, Fault.END_EXCEPTION, Fault.END_ERROR);
                appender.end(end);
            }
        };
    }
}
