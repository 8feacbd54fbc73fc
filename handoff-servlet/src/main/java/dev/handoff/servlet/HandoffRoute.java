// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.check.Durations;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/**
 * Decides for each request on a path whether to hand it off, and as which task. Implementations must be thread-safe.
 *
 * <pre>{@code
 * HandoffRoute route = request -> request.body().contains("\"stream\":true")
 *         ? Optional.of(Task.of("chat", request.body()))
 *         : Optional.empty();
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/v1/chat/completions", HandoffRoute.joiningRetries(Duration.ofMinutes(1), route))
 *         .build();
 * }</pre>
 *
 * <p>The path of a route is literal, or a pattern with variables:
 *
 * <pre>{@code
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/v1/threads/{thread}/runs",
 *                 request -> Optional.of(Task.of("run", request.pathVariable("thread") + " " + request.body())))
 *         .build();
 * }</pre>
 *
 * <p>A variable matches one whole segment. {@link HandoffRequest#pathVariable} returns its value, percent-decoded. If the paths of several
 * routes match, the first segment in which they differ decides: a literal precedes a variable. This does not depend on the method of the
 * request. The filter matches the path that the container has decoded and normalized, to which the security constraints of the container
 * apply as well:
 *
 * <ul>
 *   <li>Path parameters, such as {@code ;jsessionid=1}, are not part of the path.
 *   <li>A variable is never empty, {@code .} or {@code ..}. It holds no control characters and no U+FFFD, which stands for bytes that are
 *       not valid UTF-8.
 *   <li>Two slashes in a row, and a slash at the end, make an empty segment, which matches no variable. Some containers merge slashes
 *       before the filter sees them, and others answer 400.
 *   <li>A path with an encoded slash ({@code %2F}) matches no pattern with variables, because containers disagree on what it means. Many
 *       containers answer 400 by default.
 * </ul>
 *
 * <p>A request that matches no route passes to the application.
 */
@FunctionalInterface
public interface HandoffRoute {

    /**
     * Returns the task that the request asks for. If the task has no subject or no idempotency key, it gets those of the request
     * afterwards. A call that reads the body blocks until the client has sent it.
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
        Durations.requirePositive("within", within);
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
