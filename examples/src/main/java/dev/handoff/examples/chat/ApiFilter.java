package dev.handoff.examples.chat;

import dev.handoff.Problem;
import dev.handoff.Reply;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands before all of the API: gives each answer an {@code x-request-id}, lets only those pass who have a key, and turns an
 * unforeseen failure into an error that clients of the API can read. Thread-safe.
 */
final class ApiFilter extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final Logger logger = LoggerFactory.getLogger(ApiFilter.class);
    private static final String SUBJECT = ApiFilter.class.getName() + ".subject";

    private final transient ApiKeys keys;

    ApiFilter(ApiKeys keys) {
        this.keys = keys;
    }

    /** Who asks, as this filter has found out; null where no key is needed. */
    static @Nullable String subject(HttpServletRequest request) {
        return (String) request.getAttribute(SUBJECT);
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        String requestId = "req_" + UUID.randomUUID().toString().replace("-", "");
        response.setHeader("x-request-id", requestId);
        Optional<String> subject = keys.subject(request.getHeader("Authorization"));
        if (!keys.open() && subject.isEmpty()) {
            Replies.write(response, refusal(request.getHeader("Authorization") != null));
            return;
        }
        subject.ifPresent(s -> request.setAttribute(SUBJECT, s));
        try {
            chain.doFilter(request, response);
        } catch (RuntimeException e) {
            if (response.isCommitted()) {
                throw e;
            }
            logger.error("{} could not be served", requestId, e);
            Replies.write(
                    response,
                    OpenAiErrors.reply(
                            new Problem(500, "internal_error", "The server failed at request " + requestId + '.')));
        }
    }

    private static Reply refusal(boolean keyGiven) {
        String detail = keyGiven
                ? "The API key is none that is known here."
                : "An API key is needed: send it as \"Authorization: Bearer <key>\".";
        return OpenAiErrors.reply(new Problem(401, "invalid_api_key", detail));
    }
}
