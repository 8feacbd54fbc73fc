// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Instant;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notes when each request of the API has arrived, gives its answer an {@code x-request-id} and the CORS fields, answers {@code OPTIONS}, and
 * converts an unexpected exception to an error in the format of the API. Thread-safe.
 */
final class ApiFilter extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final Logger logger = LoggerFactory.getLogger(ApiFilter.class);

    private static final String ARRIVAL = ApiFilter.class.getName() + ".arrival";

    private final transient ApiCors cors;

    ApiFilter(ApiCors cors) {
        this.cors = cors;
    }

    /** Returns when a request has arrived, in whole seconds. */
    static long arrivalSeconds(HandoffRequest request) {
        Instant arrival = (Instant) Objects.requireNonNull(request.attribute(ARRIVAL), "the arrival was not noted");
        return arrival.getEpochSecond();
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        request.setAttribute(ARRIVAL, Instant.now());
        String requestId = RequestIds.random();
        response.setHeader(RequestIds.HEADER, requestId);
        cors.apply(request, response);
        // A preflight has neither key nor body, so this answers it before the other filters run.
        if (request.getMethod().equals("OPTIONS")) {
            ServletReplies.write(response, Reply.of(204).with("Allow", ApiServlet.methods(request) + ", OPTIONS"));
            return;
        }
        try {
            chain.doFilter(request, response);
        } catch (RuntimeException e) {
            if (response.isCommitted()) {
                throw e;
            }
            logger.error("{} could not be served", requestId, e);
            ServletReplies.write(
                    response,
                    OpenAiErrors.reply(
                            ProblemCode.INTERNAL_ERROR.problem("The server failed at request " + requestId + '.')));
        }
    }
}
