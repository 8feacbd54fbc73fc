// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.RedirectPolicy;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sets the options of one route. An option that a route does not set comes from the filter or its {@link Handoff}. Not thread-safe.
 *
 * <pre>{@code
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/reports", reports)
 *         .post("/v1/chat/completions", chat, settings -> settings
 *                 .subject(request -> request.getHeader("X-User"))
 *                 .errors(problem -> Reply.of(problem.status(), "text/plain", problem.detail())))
 *         .build();
 * }</pre>
 *
 * <p>The settings also apply to requests that resume a stream at the path of the route. If no route has the method of such a request, the
 * settings of the route that was added first for the path apply.
 */
public final class RouteSettings {

    private @Nullable Function<HttpServletRequest, @Nullable String> subject;
    private @Nullable RedirectPolicy redirectPolicy;
    private @Nullable Function<Problem, Reply> errors;

    RouteSettings() {}

    /** Sets the function that returns the user of a request, as {@link HandoffFilter.Builder#subject} does for all routes. */
    public RouteSettings subject(Function<HttpServletRequest, @Nullable String> subject) {
        this.subject = subject;
        return this;
    }

    /** Sets the policy that sends clients to their streams, as {@link Handoff.Builder#redirectPolicy} does for all routes. */
    public RouteSettings redirectPolicy(RedirectPolicy redirectPolicy) {
        this.redirectPolicy = redirectPolicy;
        return this;
    }

    /** Sets the function that returns the reply for a problem, as {@link HandoffFilter.Builder#errors} does for all routes. */
    public RouteSettings errors(Function<Problem, Reply> errors) {
        this.errors = errors;
        return this;
    }

    /** Returns a route with these settings and those of the filter for what is not set. */
    ConfiguredRoute complete(
            String method,
            PathPattern pattern,
            HandoffRoute route,
            Handoff handoff,
            Function<HttpServletRequest, @Nullable String> subjectOfFilter,
            Function<Problem, Reply> errorsOfFilter) {
        return new ConfiguredRoute(
                method,
                pattern,
                route,
                redirectPolicy == null ? handoff : handoff.withRedirectPolicy(redirectPolicy),
                subject == null ? subjectOfFilter : subject,
                errors == null ? errorsOfFilter : errors);
    }
}
