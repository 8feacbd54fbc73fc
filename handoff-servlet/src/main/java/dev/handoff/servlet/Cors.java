package dev.handoff.servlet;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;

/** Cross-origin access to streams (Fetch Standard, CORS protocol). Without origins there is none. */
record Cors(Set<String> origins, boolean credentials) {

    private static final String ANY = "*";

    /** Firefox asks without naming headers, and then sends these all the same. */
    private static final String USUAL_HEADERS = "authorization, content-type, last-event-id, cache-control, prefer";

    Cors {
        origins = Set.copyOf(origins);
        if (credentials && origins.contains(ANY)) {
            throw new IllegalArgumentException("credentials cannot be allowed to every origin: name the origins");
        }
    }

    void apply(HttpServletRequest request, HttpServletResponse response) {
        if (origins.isEmpty()) {
            return;
        }
        if (origins.contains(ANY)) {
            response.setHeader("Access-Control-Allow-Origin", ANY);
        } else {
            response.addHeader("Vary", "Origin");
            String origin = request.getHeader("Origin");
            if (origin == null || !origins.contains(origin)) {
                return;
            }
            response.setHeader("Access-Control-Allow-Origin", origin);
            if (credentials) {
                response.setHeader("Access-Control-Allow-Credentials", "true");
            }
        }
        if (request.getMethod().equals("OPTIONS")) {
            String headers = request.getHeader("Access-Control-Request-Headers");
            response.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE");
            response.setHeader(
                    "Access-Control-Allow-Headers", headers == null || headers.isEmpty() ? USUAL_HEADERS : headers);
            response.setHeader("Access-Control-Max-Age", "600");
        } else {
            response.setHeader("Access-Control-Expose-Headers", "Location, Retry-After");
        }
    }
}
