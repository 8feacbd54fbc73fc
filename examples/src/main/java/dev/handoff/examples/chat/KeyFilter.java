// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Lets only requests with a known API key pass, and stores the owner of the key in the request. Thread-safe. */
final class KeyFilter extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final String SUBJECT = KeyFilter.class.getName() + ".subject";

    private final transient ApiKeys keys;

    KeyFilter(ApiKeys keys) {
        this.keys = keys;
    }

    /** Returns the owner of the key of a request; null where no key is needed. */
    static @Nullable String subject(HttpServletRequest request) {
        return (String) request.getAttribute(SUBJECT);
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        String authorization = request.getHeader("Authorization");
        Optional<String> subject = keys.subject(authorization);
        if (!keys.open() && subject.isEmpty()) {
            ServletReplies.write(response, refusal(authorization != null));
            return;
        }
        subject.ifPresent(s -> request.setAttribute(SUBJECT, s));
        chain.doFilter(request, response);
    }

    private static Reply refusal(boolean keyGiven) {
        String detail = keyGiven
                ? "The API key is not known here."
                : "An API key is needed: send it as \"Authorization: Bearer <key>\".";
        return OpenAiErrors.reply(new Problem(401, "invalid_api_key", detail));
    }
}
