package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/**
 * Decides whether a request is handed off and as which task. The filter calls the route for each request on its path. Must be thread-safe.
 */
@FunctionalInterface
public interface HandoffRoute {

    /**
     * Returns the task that the request asks for. Afterwards the filter sets the task's subject and idempotency key from the request. A
     * call may block on the client while it reads the body.
     *
     * @return the task, or empty to pass the request to the application, which can still read the whole body
     * @throws ProblemException if the request is not valid; the filter answers with the problem. It answers any other exception with status
     *     500
     */
    Optional<Task> route(HandoffRequest request);

    /**
     * Returns for how long after a request the filter redirects its retries to the same stream even if they have no {@code
     * Idempotency-Key}. Zero, the default, means that each such retry starts a task. {@link #joiningRetries} describes how the filter
     * recognizes a retry.
     */
    default Duration joinRetriesWithin() {
        return Duration.ZERO;
    }

    /**
     * Returns a route that also joins retries without an {@code Idempotency-Key}. A request is a retry if its header {@code
     * X-Stainless-Retry-Count} is above 0. If the same subject asked for the same type and payload within the given time, and that task has
     * not failed and was not cancelled, the filter redirects the client to the stream of that task and starts no second task.
     *
     * <p>Only some clients mark their retries: openai-python, openai-node, openai-java, openai-go and the other SDKs that
     * Stainless generates. The Vercel AI SDK, LangChain JS, LlamaIndex and LangChain4j send unmarked retries, and each of
     * those starts a task. An {@code Idempotency-Key} works with every client.
     *
     * @param within how long after the first request its retries are recognized
     * @throws IllegalArgumentException if the time is not positive
     * @see Handoff#begin(HandoffRequest, Task, Duration)
     */
    static HandoffRoute joiningRetries(Duration within, HandoffRoute route) {
        if (within.isZero() || within.isNegative()) {
            throw new IllegalArgumentException("within is not positive: " + within);
        }
        return new HandoffRoute() {
            @Override
            public Optional<Task> route(HandoffRequest request) {
                return route.route(request);
            }

            @Override
            public Duration joinRetriesWithin() {
                return within;
            }
        };
    }
}
