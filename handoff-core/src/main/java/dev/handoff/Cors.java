// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.http.HandoffRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Cross-origin access to streams (Fetch Standard, CORS protocol). Without origins there is none. */
record Cors(Set<String> origins, boolean credentials) {

    private static final String ANY = "*";
    private static final String ALLOW_ORIGIN = "Access-Control-Allow-Origin";
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
                        "an origin must be * or null, or scheme://host[:port] in lower case, but is: " + origin);
            }
            if (credentials && (origin.equals(ANY) || origin.equals(OPAQUE))) {
                throw new IllegalArgumentException(
                        "credentials cannot be allowed to the origin " + origin + ", which any page can have");
            }
        }
    }

    /**
     * Returns the header fields that the answer to a request has.
     *
     * @param names further fields of the answer that a page may read
     */
    Map<String, String> headers(HandoffRequest request, Set<String> names) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (origins.isEmpty()) {
            return headers;
        }
        if (origins.contains(ANY)) {
            headers.put(ALLOW_ORIGIN, ANY);
        } else {
            headers.put("Vary", "Origin");
            String origin = request.header("Origin");
            if (origin == null || !origins.contains(origin)) {
                return headers;
            }
            headers.put(ALLOW_ORIGIN, origin);
            if (credentials) {
                headers.put("Access-Control-Allow-Credentials", "true");
            }
        }
        if (request.method().equals("OPTIONS")) {
            String asked = request.header("Access-Control-Request-Headers");
            headers.put("Access-Control-Allow-Methods", "GET, POST, DELETE");
            headers.put("Access-Control-Allow-Headers", asked == null || asked.isEmpty() ? USUAL_HEADERS : asked);
            headers.put("Access-Control-Max-Age", "600");
        } else {
            List<String> exposed = new ArrayList<>(List.of("Location", "Retry-After"));
            exposed.addAll(new TreeSet<>(names));
            headers.put("Access-Control-Expose-Headers", String.join(", ", exposed));
        }
        return headers;
    }
}
