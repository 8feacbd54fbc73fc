// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Holds the origins whose pages may use the API (Fetch Standard, CORS protocol). Without origins only pages of the server itself may use
 * it.
 *
 * @param origins the origins, such as {@code https://chat.example.com}; {@code *} for all
 */
record ApiCors(Set<String> origins) {

    private static final String ANY = "*";
    private static final String USUAL_HEADERS = "authorization, content-type, idempotency-key, last-event-id, prefer";

    ApiCors {
        origins = Set.copyOf(origins);
    }

    /** Returns whether pages of this origin may use the API. */
    boolean allows(@Nullable String origin) {
        return origins.contains(ANY) || (origin != null && origins.contains(origin));
    }

    /** Sets the header fields that let the page of the request read the response. Sets none if its origin is not allowed. */
    void apply(HttpServletRequest request, HttpServletResponse response) {
        if (origins.isEmpty()) {
            return;
        }
        String origin = request.getHeader("Origin");
        response.addHeader("Vary", "Origin");
        if (origin == null || !allows(origin)) {
            return;
        }
        response.setHeader("Access-Control-Allow-Origin", origins.contains(ANY) ? ANY : origin);
        if (request.getMethod().equals("OPTIONS")) {
            // The SDK of OpenAI sends fields of its own, whose names change between versions.
            String asked = request.getHeader("Access-Control-Request-Headers");
            response.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE");
            response.setHeader(
                    "Access-Control-Allow-Headers", asked == null || asked.isEmpty() ? USUAL_HEADERS : asked);
            response.setHeader("Access-Control-Max-Age", "600");
        } else {
            response.setHeader("Access-Control-Expose-Headers", RequestIds.EXPOSED_HEADERS);
        }
    }
}
