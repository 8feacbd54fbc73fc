// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.http.HandoffRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request for tests of routes and of {@link dev.handoff.Handoff}, without a server. Immutable.
 *
 * <pre>{@code
 * HandoffRequest request = TestRequest.post("/reports?year=2026", "rain")
 *         .withSubject("alice")
 *         .withHeader("Idempotency-Key", "6f1d");
 * }</pre>
 */
public final class TestRequest implements HandoffRequest {

    private final String method;
    private final String target;
    private final String body;
    private final @Nullable String subject;
    private final Map<String, String> headers;
    private final Map<String, Object> attributes;
    private final Map<String, String> pathVariables;

    private TestRequest(
            String method,
            String target,
            String body,
            @Nullable String subject,
            Map<String, String> headers,
            Map<String, Object> attributes,
            Map<String, String> pathVariables) {
        this.method = method;
        this.target = target;
        this.body = body;
        this.subject = subject;
        this.headers = Map.copyOf(headers);
        this.attributes = Map.copyOf(attributes);
        this.pathVariables = Map.copyOf(pathVariables);
    }

    /**
     * Returns a request of an unknown user, without header fields.
     *
     * @param method the method, upper case
     * @param target the path within the application, and the query if there is one, such as {@code /reports?year=2026}
     * @param body the content; empty for none
     */
    public static TestRequest of(String method, String target, String body) {
        return new TestRequest(method, target, body, null, Map.of(), Map.of(), Map.of());
    }

    /** Returns a POST request, as {@link #of} does. */
    public static TestRequest post(String target, String body) {
        return of("POST", target, body);
    }

    /** Returns the same request with another value of a header field. The case of the name does not matter. */
    public TestRequest withHeader(String name, String value) {
        Map<String, String> more = with(headers, name.toLowerCase(Locale.ROOT), value);
        return new TestRequest(method, target, body, subject, more, attributes, pathVariables);
    }

    /** Returns the same request with another user; null for an unknown user. */
    public TestRequest withSubject(@Nullable String subject) {
        return new TestRequest(method, target, body, subject, headers, attributes, pathVariables);
    }

    /** Returns the same request with an attribute. */
    public TestRequest withAttribute(String name, Object value) {
        Map<String, Object> more = with(attributes, name, value);
        return new TestRequest(method, target, body, subject, headers, more, pathVariables);
    }

    /** Returns the same request with the value of a variable of its path. */
    public TestRequest withPathVariable(String name, String value) {
        Map<String, String> more = with(pathVariables, name, value);
        return new TestRequest(method, target, body, subject, headers, attributes, more);
    }

    private static <V> Map<String, V> with(Map<String, V> map, String name, V value) {
        Map<String, V> more = new HashMap<>(map);
        more.put(name, value);
        return more;
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String path() {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    @Override
    public @Nullable String query() {
        int query = target.indexOf('?');
        return query < 0 ? null : target.substring(query + 1);
    }

    @Override
    public @Nullable String header(String name) {
        return headers.get(name.toLowerCase(Locale.ROOT));
    }

    @Override
    public @Nullable String subject() {
        return subject;
    }

    @Override
    public String body() {
        return body;
    }

    @Override
    public byte[] bodyBytes() {
        return body.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public @Nullable Object attribute(String name) {
        return attributes.get(name);
    }

    @Override
    public String pathVariable(String name) {
        String value = pathVariables.get(name);
        return value == null ? HandoffRequest.super.pathVariable(name) : value;
    }
}
