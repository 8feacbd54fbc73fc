package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/** Decides for each request on its path whether to hand it off, and as which task. Must be thread-safe. */
@FunctionalInterface
public interface HandoffRoute {

    /**
     * Returns the task that the request asks for. The filter sets its subject and idempotency key afterwards, from the
     * request.
     *
     * @return empty to let the request pass to the application, unchanged and with its body still to be read
     * @throws ProblemException if the request cannot be served; the filter answers with the problem. The filter answers any
     *     other exception with status 500
     */
    Optional<Task> route(HandoffRequest request);

    /**
     * Returns how long after a request the filter leads its retries to the same stream, although they have no {@code
     * Idempotency-Key}; zero, the default, for never. {@link #joiningRetries} describes what is recognized.
     */
    default Duration joinRetriesWithin() {
        return Duration.ZERO;
    }

    /**
     * Returns a route that also joins retries without an {@code Idempotency-Key}. It recognizes a retry by the header {@code
     * X-Stainless-Retry-Count} with a count above 0. If the same subject asked for the same type and payload within the given
     * time, and that task has not failed and was not cancelled, the client is led to its stream and no second task starts.
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
