// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a task: the events of its stream, the end of the stream, and what its handler threw. {@link Handlers} and {@link
 * TestStream} return it, and {@link HandoffAssertions} checks it.
 *
 * @param events the events, in the order in which the handler emitted them
 * @param end how the stream ended
 * @param thrown what the handler threw, or what its stage failed with; null if neither happened before the
 *     stream ended
 */
public record TaskOutcome(
        List<Event> events, End end, @Nullable Throwable thrown) {

    /** Checks the parts and copies the list. */
    public TaskOutcome {
        events = List.copyOf(events);
        Objects.requireNonNull(end, "end");
    }

    /** Returns the data of the events, in their order. */
    public List<String> data() {
        return events.stream().map(Event::data).toList();
    }

    /** Returns the result; empty if the task has not completed or has no result. */
    public Optional<String> result() {
        return end instanceof End.Completed completed ? Optional.ofNullable(completed.result()) : Optional.empty();
    }

    /** Returns the problem of a task that failed; empty if it completed or was cancelled. */
    public Optional<Problem> problem() {
        return end instanceof End.Failed failed ? Optional.of(failed.problem()) : Optional.empty();
    }
}
