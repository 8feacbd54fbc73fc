// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A store that a test can make fail or hang. A test can also drop its hints. */
final class FaultyStore implements EventStore {

    private final EventStore store;
    private final Faults faults;
    private final AtomicInteger openWatches = new AtomicInteger();
    /** The hints, in the order in which their watches were opened. */
    final List<Hint> hints = new CopyOnWriteArrayList<>();
    /** Whether streams pretend to have no entries. */
    volatile boolean emptied;

    FaultyStore(EventStore store, Faults faults) {
        this.store = store;
        this.faults = faults;
    }

    int openWatches() {
        return openWatches.get();
    }

    @Override
    public EventStream open(String streamId) {
        faults.on("open", streamId);
        return new Stream(store.open(streamId));
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        return store.appender(streamId, epoch);
    }

    /** The hint of one reader. */
    static final class Hint implements Runnable {

        private final Runnable hint;
        volatile boolean dropped;

        private Hint(Runnable hint) {
            this.hint = hint;
        }

        @Override
        public void run() {
            if (!dropped) {
                hint.run();
            }
        }
    }

    private final class Stream implements EventStream {

        private final EventStream stream;

        Stream(EventStream stream) {
            this.stream = stream;
        }

        @Override
        public String id() {
            return stream.id();
        }

        @Override
        public Batch read(long after, int limit) {
            faults.on("read", id());
            return stream.read(after, limit);
        }

        @Override
        public Watch watch(Runnable hint) {
            faults.on("watch", id());
            Hint droppable = new Hint(hint);
            hints.add(droppable);
            Watch watch = stream.watch(droppable);
            openWatches.incrementAndGet();
            return () -> {
                watch.close();
                openWatches.decrementAndGet();
                faults.on("close", id());
            };
        }

        @Override
        public long last() {
            faults.on("last", id());
            return emptied ? BEGINNING : stream.last();
        }

        @Override
        public Optional<End> end() {
            faults.on("end", id());
            return stream.end();
        }

        @Override
        public long eventCount() {
            faults.on("eventCount", id());
            return stream.eventCount();
        }
    }
}
