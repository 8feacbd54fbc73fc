// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.check.Counts;
import dev.handoff.store.EventStream;
import dev.handoff.stream.Event;
import dev.handoff.task.TaskDispatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The stream of a task of a {@link TestHandoff}. A test can read it while the handler writes to it. The methods that wait do so for at most
 * 20 seconds.
 *
 * <pre>{@code
 * try (TestHandoff test = TestHandoff.of("report", handler)) {
 *     TestStream stream = test.dispatch(Task.of("report", "rain"));
 *     stream.awaitEvents(2);
 *     stream.cancel();
 *     HandoffAssertions.assertThat(stream.awaitOutcome()).wasCancelled();
 * }
 * }</pre>
 *
 * <p>Thread-safe.
 */
public final class TestStream {

    private final EventStream stream;
    private final TaskDispatcher dispatcher;
    private final Function<String, @Nullable Throwable> thrown;

    TestStream(EventStream stream, TaskDispatcher dispatcher, Function<String, @Nullable Throwable> thrown) {
        this.stream = stream;
        this.dispatcher = dispatcher;
        this.thrown = thrown;
    }

    /** Returns the id of the stream, which is the id of its task. */
    public String id() {
        return stream.id();
    }

    /** Returns the events that the stream has now. */
    public List<Event> events() {
        return eventsOf(stream);
    }

    /**
     * Waits until the stream has a number of events, and returns all that it has then.
     *
     * @throws IllegalArgumentException if the number is not positive
     * @throws AssertionError if the stream ends with fewer events
     * @throws org.awaitility.core.ConditionTimeoutException if the stream has fewer events after 20 seconds
     */
    public List<Event> awaitEvents(int count) {
        Counts.requirePositive("count", count);
        Await.await().alias(count + " events").until(() -> stream.end().isPresent() || events().size() >= count);
        List<Event> events = events();
        if (events.size() < count) {
            throw new AssertionError("the stream has ended after " + events.size() + " of " + count + " events: "
                    + stream.end().orElseThrow());
        }
        return events;
    }

    /**
     * Waits until the stream has ended, and returns its outcome.
     *
     * @throws org.awaitility.core.ConditionTimeoutException if the stream has not ended after 20 seconds
     */
    public TaskOutcome awaitOutcome() {
        Await.await().alias("the end of the stream").until(() -> stream.end().isPresent());
        return new TaskOutcome(events(), stream.end().orElseThrow(), thrown.apply(id()));
    }

    /** Cancels the task, as {@link TaskDispatcher#cancel} does. Returns false if it has completed or failed already. */
    public boolean cancel() {
        return dispatcher.cancel(id());
    }

    /** Returns all events that a stream has now. */
    static List<Event> eventsOf(EventStream stream) {
        List<Event> all = new ArrayList<>();
        EventStream.Batch batch;
        long after = EventStream.BEGINNING;
        do {
            batch = stream.read(after, Integer.MAX_VALUE);
            all.addAll(batch.events());
            after = batch.last();
        } while (batch.more());
        return all;
    }
}
