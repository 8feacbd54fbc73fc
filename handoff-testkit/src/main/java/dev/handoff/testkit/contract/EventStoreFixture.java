// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/** Supplies the store under test and the id of a new stream for each test. */
abstract class EventStoreFixture {

    static final int FIRST_EPOCH = 1;

    final String streamId = Task.of("contract", "").id();

    /** Returns the store under test. It may have other streams already. */
    protected abstract EventStore store();

    /** Returns a store with the same streams, as another process would open it; by default {@link #store}. */
    protected EventStore otherNode() {
        return store();
    }

    /**
     * Makes the store drop the streams that have ended, as it does when their retention time is over. Returns whether it did. Returns false
     * by default, for stores that a test cannot make drop streams; the test that needs this is then skipped.
     */
    protected boolean dropEnded() {
        return false;
    }

    EventStream stream() {
        return store().open(streamId);
    }

    static List<Event> events(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> new Event(i, null, "event " + i))
                .toList();
    }

    static List<Event> readAll(EventStream stream, int limit) {
        List<Event> all = new ArrayList<>();
        long after = EventStream.BEGINNING;
        EventStream.@Nullable Batch batch = null;
        while (batch == null || batch.last() > after) {
            after = batch == null ? after : batch.last();
            batch = stream.read(after, limit);
            assertThat(batch.events()).hasSizeLessThanOrEqualTo(limit);
            all.addAll(batch.events());
        }
        return all;
    }

    static void assertStale(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(StaleWriterException.class);
    }
}
