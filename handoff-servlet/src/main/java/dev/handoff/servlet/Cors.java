package dev.handoff.servlet;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Cross-origin access to streams (Fetch Standard, CORS protocol). Without origins there is none. */
record Cors(Set<String> origins, boolean credentials) {

    private static final String ANY = "*";
    private static final String EXPOSE = "Access-Control-Expose-Headers";
    /** The origin of sandboxed frames and local files, and of a request that was redirected across origins. */
    private static final String OPAQUE = "null";

    /** An origin as browsers send it: lower case, without a path. */
    private static final Pattern ORIGIN =
            Pattern.compile("[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\\[[0-9a-f:.]+])(:[0-9]{1,5})?");

    /** Firefox asks without naming headers, and then sends these all the same. */
    private static final String USUAL_HEADERS = "authorization, content-type, last-event-id, cache-control, prefer";

    Cors {
        origins = Set.copyOf(origins);
        for (String origin : origins) {
            if (!origin.equals(ANY)
                    && !origin.equals(OPAQUE)
                    && !ORIGIN.matcher(origin).matches()) {
                throw new IllegalArgumentException(
                        "an origin is * or scheme://host[:port] in lower case, not: " + origin);
            }
            if (credentials && (origin.equals(ANY) || origin.equals(OPAQUE))) {
                throw new IllegalArgumentException(
                        "credentials cannot be allowed to the origin " + origin + ", which any page can have");
            }
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
            response.setHeader(EXPOSE, "Location, Retry-After");
        }
    }

    /** Lets the page of the request read more header fields, if it may read the response at all. */
    static void expose(HttpServletResponse response, Set<String> names) {
        String exposed = response.getHeader(EXPOSE);
        if (exposed != null && !names.isEmpty()) {
            response.setHeader(EXPOSE, exposed + ", " + String.join(", ", new TreeSet<>(names)));
        }
    }
}
