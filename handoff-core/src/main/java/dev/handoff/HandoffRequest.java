package dev.handoff;

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

    /** Who asks, as the application has found out; null if nobody is known. */
    @Nullable
    String subject();

    /**
     * The content as text. Blocks until it is there; gives the same text each time.
     *
     * @throws ProblemException with status 413 if it is larger than is taken, 415 if it cannot be read as text, or 400 if it
     *     was cut
     */
    String body();
}
