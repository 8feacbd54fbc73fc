// SPDX-License-Identifier: Apache-2.0
package dev.handoff.stream;

import dev.handoff.http.Problem;
import dev.handoff.task.TaskOutput;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * States how a stream ended. The end is the last entry of the log. It takes the position after the last event and never changes: each read
 * that reaches it, at any time and on any server, returns the same end.
 */
public sealed interface End {

    /**
     * The handler returned.
     *
     * @param result the result that the handler passed to {@link TaskOutput#complete}, JSON by convention; null if it passed none
     */
    record Completed(@Nullable String result) implements End {}

    /**
     * The handler threw, or its worker was lost.
     *
     * @param problem describes the error; the client may see it
     */
    record Failed(Problem problem) implements End {
        /** Checks the parts. */
        public Failed {
            Objects.requireNonNull(problem, "problem");
        }
    }

    /** The task was cancelled before it completed. */
    record Cancelled() implements End {}

    /**
     * Returns the end of a completed task.
     *
     * @param result null if there is none
     */
    static End completed(@Nullable String result) {
        return new Completed(result);
    }

    /** Returns the end of a failed task. */
    static End failed(Problem problem) {
        return new Failed(problem);
    }

    /** Returns the end of a cancelled task. */
    static End cancelled() {
        return new Cancelled();
    }
}
