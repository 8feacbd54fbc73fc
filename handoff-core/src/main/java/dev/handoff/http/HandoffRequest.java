// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import org.jspecify.annotations.Nullable;

/**
 * An HTTP request as this library needs to see it. The servlet module makes them; code on another framework implements it
 * over the request it has.
 */
public interface HandoffRequest {

    /** The method, upper case. */
    String method();

    /** The path within the application, without the query, such as {@code /v1/chat/completions}. */
    String path();

    /**
     * Returns the path prefix at which the application stands on its host, such as {@code /shop}; empty at the root. Default
     * addresses of streams begin with it.
     */
    default String contextPath() {
        return "";
    }

    /** The query as it came, without the question mark (RFC 3986, 3.4); null if there is none. */
    @Nullable
    String query();

    /**
     * A header field: all its lines joined by {@code ", "} (RFC 9110, 5.3), or null if there is none.
     *
     * @param name the field's name, in any case
     */
    @Nullable
    String header(String name);

    /** Returns the user who sent the request, as the application has determined it; null if unknown. */
    @Nullable
    String subject();

    /**
     * Returns the content as text; the same text each time. Blocks until the content has arrived.
     *
     * @throws ProblemException if the content is larger than the server accepts (413), not readable as text (415), cut or
     *     malformed (400), too slow (408), or the server is too busy to read it (503)
     */
    String body();

    /**
     * Returns the content as it came, for formats that are not text; the same bytes each time. The caller must not change them. Blocks until
     * the content has arrived.
     *
     * @throws ProblemException if the content is larger than the server accepts (413), cut or malformed (400), too slow (408), or the
     *     server is too busy to read it (503)
     */
    byte[] bodyBytes();

    /**
     * Returns what the application has attached to the request under a name, for example a filter that authenticates the user; null if
     * there is nothing. An adapter for a framework without attributes always returns null.
     */
    default @Nullable Object attribute(String name) {
        return null;
    }

    /**
     * Returns the value of a variable of the path that the route of the request has, without percent-encoding.
     *
     * @throws IllegalArgumentException if the path of the route has no variable of this name
     */
    default String pathVariable(String name) {
        throw new IllegalArgumentException("the path of the route has no variable " + name);
    }
}
