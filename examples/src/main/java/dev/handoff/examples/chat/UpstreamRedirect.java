// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Optional;

/**
 * Follows the redirects of an upstream. The client of the JDK can do this too, but some versions of it send the key of the upstream to other
 * servers.
 */
final class UpstreamRedirect {

    /** How many redirects of one call are followed. */
    static final int MAX_REDIRECTS = 5;

    private UpstreamRedirect() {}

    /**
     * Returns the request that the response redirects to. It is a GET, except after 307 and 308, and has the key only if scheme, host and
     * port stay the same. Empty if the response is no redirect, or leads from https to http.
     */
    static Optional<HttpRequest> of(HttpResponse<?> response) {
        int status = response.statusCode();
        boolean again = status == 307 || status == 308;
        Optional<String> location = response.headers().firstValue("Location");
        if (location.isEmpty() || !(again || status == 301 || status == 302 || status == 303)) {
            return Optional.empty();
        }
        HttpRequest request = response.request();
        URI from = request.uri();
        try {
            URI to = from.resolve(location.get());
            String scheme = to.getScheme().toLowerCase(Locale.ROOT);
            if (to.getHost() == null || !(scheme.equals("https") || scheme.equals(from.getScheme()))) {
                return Optional.empty();
            }
            boolean sameOrigin = origin(from).equals(origin(to));
            HttpRequest.Builder next = HttpRequest.newBuilder(
                            request,
                            (name, value) -> !(name.equalsIgnoreCase("Authorization") && !sameOrigin)
                                    && !(name.equalsIgnoreCase("Content-Type") && !again))
                    .uri(to);
            return Optional.of((again ? next : next.GET()).build());
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String origin(URI uri) {
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
        return scheme + "://" + uri.getHost().toLowerCase(Locale.ROOT) + ':' + port;
    }
}
