// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import org.jspecify.annotations.Nullable;

/**
 * Represents an HTTP request, independent of a framework. The servlet module implements this for servlets. An adapter for another framework
 * implements it over the request of that framework.
 *
 * <p>handoff uses a request only in the thread that passes it, so implementations need not be thread-safe.
 */
public interface HandoffRequest {

    /** Returns the method in upper case. */
    String method();

    /** Returns the path within the application, without the query, such as {@code /v1/chat/completions}. */
    String path();

    /**
     * Returns the path under which the application is deployed on its host, such as {@code /shop}; empty at the root. The default address
     * of a stream begins with this path.
     */
    default String contextPath() {
        return "";
    }

    /** Returns the query as the client sent it, without the question mark (RFC 3986, 3.4); null if there is none. */
    @Nullable
    String query();

    /**
     * Returns the value of a header field; null if there is none. If the field has several lines, they are joined by {@code ", "} (RFC
     * 9110, 5.3).
     *
     * @param name the name of the field, in any case
     */
    @Nullable
    String header(String name);

    /** Returns the user who sent the request, as the application has determined it; null if unknown. */
    @Nullable
    String subject();

    /**
     * Returns the content as text. Each call returns the same text. Blocks until the content has arrived.
     *
     * @throws ProblemException if the content is larger than the server accepts (413), is not readable as text (415), is cut or malformed
     *     (400), or arrives too slowly (408); if other code has read it before (500); or if the server is too busy to read it (503)
     */
    String body();

    /**
     * Returns the content as bytes, for content that is not text. Each call returns the same bytes, and the caller must not change them.
     * Blocks until the content has arrived.
     *
     * @throws ProblemException if the content is larger than the server accepts (413), is cut or malformed (400), or arrives too slowly
     *     (408); if other code has read it before (500); or if the server is too busy to read it (503)
     */
    byte[] bodyBytes();

    /**
     * Returns the value that the application, such as a filter that authenticates the user, has attached to the request under a name; null
     * if there is none. An adapter for a framework without attributes always returns null.
     */
    default @Nullable Object attribute(String name) {
        return null;
    }

    /**
     * Returns the value of a variable in the path of the request's route, percent-decoded.
     *
     * @throws IllegalArgumentException if the path of the route has no variable of this name
     */
    default String pathVariable(String name) {
        throw new IllegalArgumentException("the path of the route has no variable " + name);
    }
}
