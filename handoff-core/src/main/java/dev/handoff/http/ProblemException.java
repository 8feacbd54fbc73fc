// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import dev.handoff.task.TaskHandler;
import org.jspecify.annotations.Nullable;

/**
 * Thrown where something cannot be done and the client may be told why. Before the first byte of an answer it becomes an
 * HTTP error; thrown by a {@link TaskHandler} it becomes the end of the stream.
 */
public final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient Problem problem;

    /** A problem without a cause worth logging. */
    public ProblemException(Problem problem) {
        this(problem, null);
    }

    /** A problem with the exception that led to it, which the client is not shown. */
    public ProblemException(Problem problem, @Nullable Throwable cause) {
        super(problem.code() + ": " + problem.detail(), cause);
        this.problem = problem;
    }

    /** Short for a problem made in place. */
    public ProblemException(int status, String code, String detail) {
        this(new Problem(status, code, detail));
    }

    /** Returns the problem that the client is shown. */
    public Problem problem() {
        return problem;
    }
}
