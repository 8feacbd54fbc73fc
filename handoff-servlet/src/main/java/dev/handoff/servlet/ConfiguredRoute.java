// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A route of a filter with all its settings, own or of the filter.
 *
 * @param method the method of its requests, upper case
 * @param handoff hands off with the redirect policy of the route
 * @param subject returns the user of a request
 * @param errors returns the reply for a problem
 */
record ConfiguredRoute(
        String method,
        PathPattern pattern,
        HandoffRoute route,
        Handoff handoff,
        Function<HttpServletRequest, @Nullable String> subject,
        Function<Problem, Reply> errors) {}
