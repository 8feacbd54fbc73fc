package dev.handoff.stream;

import dev.handoff.http.Problem;
import dev.handoff.task.TaskOutput;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a stream ended. It is the last entry of the log, takes the position after the last event, and never changes: every
 * read that gets there, now or later, anywhere, reports the same end.
 */
public sealed interface End {

    /**
     * The handler returned.
     *
     * @param result what the handler gave to {@link TaskOutput#complete}, JSON by convention; null if it gave nothing
     */
    record Completed(@Nullable String result) implements End {}

    /**
     * The handler threw, or its worker was lost.
     *
     * @param problem what went wrong, in words that may be shown to the client
     */
    record Failed(Problem problem) implements End {
        /** Checks the parts. */
        public Failed {
            Objects.requireNonNull(problem, "problem");
        }
    }

    /** The task was cancelled before it was done. */
    record Cancelled() implements End {}

    /** The end of a task that was done; {@code result} is null if it has none. */
    static End completed(@Nullable String result) {
        return new Completed(result);
    }

    /** The end of a task that failed. */
    static End failed(Problem problem) {
        return new Failed(problem);
    }

    /** The end of a task that was cancelled. */
    static End cancelled() {
        return new Cancelled();
    }
}
