// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Thrown when a call of an upstream fails. Says whether the same call may succeed if it is repeated. */
final class UpstreamFailure extends Exception {

    private static final long serialVersionUID = 1;

    private final transient Problem problem;
    private final boolean repeatable;
    private final @Nullable Duration retryAfter;

    private UpstreamFailure(
            Problem problem, boolean repeatable, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        super(problem.code() + ": " + problem.detail(), cause);
        this.problem = problem;
        this.repeatable = repeatable;
        this.retryAfter = retryAfter;
    }

    /** Returns a failure that another call would probably repeat. */
    static UpstreamFailure lasting(Problem problem, @Nullable Throwable cause) {
        return new UpstreamFailure(problem, false, null, cause);
    }

    /**
     * Returns a failure that another call may avoid.
     *
     * @param retryAfter how long the upstream asks its clients to wait; null if it does not say
     */
    static UpstreamFailure passing(Problem problem, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        return new UpstreamFailure(problem, true, retryAfter, cause);
    }

    boolean repeatable() {
        return repeatable;
    }

    /** Returns how long the upstream asks its clients to wait; null if it does not say. */
    @Nullable
    Duration retryAfter() {
        return retryAfter;
    }

    /** Returns the exception that ends the task. */
    ProblemException toProblemException() {
        return new ProblemException(problem, this);
    }
}
