// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import dev.handoff.task.TaskHandler;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a request or a task fails and the client may be told why. Before the first byte of an answer it becomes an HTTP error. If a
 * {@link TaskHandler} throws it, the stream ends with its problem.
 */
public final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient Problem problem;

    /** Creates an exception without a cause. */
    public ProblemException(Problem problem) {
        this(problem, null);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param cause the exception that led to the problem, which the client is not shown; null if there is none
     */
    public ProblemException(Problem problem, @Nullable Throwable cause) {
        super(problem.code() + ": " + problem.detail(), cause);
        this.problem = problem;
    }

    /**
     * Creates an exception with a new problem and without a cause.
     *
     * @throws IllegalArgumentException if the status is not 400 to 599
     */
    public ProblemException(int status, String code, String detail) {
        this(new Problem(status, code, detail));
    }

    /** Returns the problem that the client is shown. */
    public Problem problem() {
        return problem;
    }
}
