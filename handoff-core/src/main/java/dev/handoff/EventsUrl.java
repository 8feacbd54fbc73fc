// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.http.HandoffRequest;
import java.net.URI;

/**
 * Where the streaming server is.
 *
 * @param url a path on the host of the request or an absolute URL, without a slash at the end
 * @param inContext whether it is a path below the context path of the request
 */
record EventsUrl(String url, boolean inContext) {

    static final EventsUrl DEFAULT = below("/events");

    /**
     * Checks the URL.
     *
     * @throws IllegalArgumentException if it is neither a path nor a URL, or holds user info, a query, a fragment or control characters
     */
    EventsUrl {
        require(url);
        if (inContext && !url.startsWith("/")) {
            throw new IllegalArgumentException("eventsPath must be a path that begins with a slash, but is: " + url);
        }
    }

    /** Returns a path on the host of the request, or an absolute URL. */
    static EventsUrl of(String url) {
        return new EventsUrl(url, false);
    }

    /** Returns a path below the context path of the request. */
    static EventsUrl below(String path) {
        return new EventsUrl(path, true);
    }

    private static void require(String url) {
        URI uri = URI.create(url);
        boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
        boolean usable = uri.isAbsolute() ? http && uri.getHost() != null : url.matches("/[^/].*");
        boolean tooMuch = uri.getRawUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null;
        boolean controls = uri.getPath() != null && uri.getPath().chars().anyMatch(Character::isISOControl);
        if (!usable || tooMuch || controls || url.endsWith("/")) {
            throw new IllegalArgumentException("eventsUrl must be a path or an absolute http or https URL, without"
                    + " user info, query, fragment, control characters and a slash at the end, but is: " + url);
        }
    }

    /** Returns the address of the streams for the client that sent the request, without a slash at the end. */
    String base(HandoffRequest request) {
        return inContext ? request.contextPath() + url : url;
    }
}
