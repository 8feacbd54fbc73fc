// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import dev.handoff.check.Lines;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Holds an HTTP answer, which an adapter for any framework can send. A header field may have several values, such as {@code Set-Cookie}.
 * The content is text or bytes. Immutable.
 */
public final class Reply {

    /** The media type of JSON. */
    public static final String JSON = "application/json";

    private static final byte[] NOTHING = new byte[0];

    private final int status;
    private final Map<String, List<String>> headers;
    private final @Nullable String text;
    /** The content if it is not text. */
    private final byte @Nullable [] binary;

    private Reply(int status, Map<String, List<String>> headers, @Nullable String text, byte @Nullable [] binary) {
        if (status < 200 || status > 599) {
            throw new IllegalArgumentException("status of a reply is not 200 to 599: " + status);
        }
        this.status = status;
        this.headers = copy(headers);
        this.text = text;
        this.binary = binary;
    }

    /**
     * Creates an answer whose header fields have one value each.
     *
     * @param headers the fields in the order in which they are sent; names keep their case
     * @param body the content, which is sent as UTF-8; null for none
     * @throws IllegalArgumentException if the status is not 200 to 599, or a header holds CR, LF or NUL, or is named twice
     */
    public Reply(int status, Map<String, String> headers, @Nullable String body) {
        this(status, listed(headers), body, null);
    }

    /**
     * Returns an answer without content.
     *
     * @throws IllegalArgumentException if the status is not 200 to 599
     */
    public static Reply of(int status) {
        return new Reply(status, Map.of(), null, null);
    }

    /**
     * Returns an answer whose content is text, which is sent as UTF-8.
     *
     * @throws IllegalArgumentException if the status is not 200 to 599, or the content type holds CR, LF or NUL
     */
    public static Reply of(int status, String contentType, String body) {
        return new Reply(status, Map.of("Content-Type", List.of(contentType)), body, null);
    }

    /**
     * Returns an answer whose content is bytes.
     *
     * @param body the content, which is copied
     * @throws IllegalArgumentException if the status is not 200 to 599, or the content type holds CR, LF or NUL
     */
    public static Reply of(int status, String contentType, byte[] body) {
        return new Reply(status, Map.of("Content-Type", List.of(contentType)), null, body.clone());
    }

    private static Map<String, List<String>> listed(Map<String, String> headers) {
        Map<String, List<String>> lists = new LinkedHashMap<>();
        headers.forEach((name, value) -> lists.put(name, List.of(value)));
        return lists;
    }

    private static Map<String, List<String>> copy(Map<String, List<String>> headers) {
        Map<String, List<String>> copy = new LinkedHashMap<>();
        headers.forEach((name, values) -> {
            Lines.requireOne("header name", name);
            if (values.isEmpty()) {
                throw new IllegalArgumentException("header " + name + " has no value");
            }
            if (copy.keySet().stream().anyMatch(name::equalsIgnoreCase)) {
                throw new IllegalArgumentException("header " + name + " is named twice");
            }
            values.forEach(value -> Lines.requireOne("header " + name, value));
            copy.put(name, List.copyOf(values));
        });
        return Collections.unmodifiableMap(copy);
    }

    /** Returns the status code: 200 to 599. */
    public int status() {
        return status;
    }

    /**
     * Returns the header fields in order. No two names are equal without regard to case. Each field has one value or more. An adapter sends
     * each value as a line of its own.
     */
    public Map<String, List<String>> headers() {
        return headers;
    }

    /** Returns the first value of a header field, or null if there is no such field. The case of the name does not matter. */
    public @Nullable String header(String name) {
        return headers.entrySet().stream()
                .filter(field -> field.getKey().equalsIgnoreCase(name))
                .map(field -> field.getValue().get(0))
                .findFirst()
                .orElse(null);
    }

    /**
     * Returns the same answer with one value for a header field, which replaces all values that the field has. The case of the name does
     * not matter.
     *
     * @throws IllegalArgumentException if the name or the value holds CR, LF or NUL
     */
    public Reply with(String name, String value) {
        Map<String, List<String>> more = new LinkedHashMap<>(headers);
        more.keySet().removeIf(name::equalsIgnoreCase);
        more.put(name, List.of(value));
        return new Reply(status, more, text, binary);
    }

    /**
     * Returns the same answer with one more value for a header field, after those that the field has. The case of the name does not matter.
     *
     * @throws IllegalArgumentException if the name or the value holds CR, LF or NUL
     */
    public Reply adding(String name, String value) {
        String known = headers.keySet().stream()
                .filter(name::equalsIgnoreCase)
                .findFirst()
                .orElse(name);
        Map<String, List<String>> more = new LinkedHashMap<>(headers);
        List<String> values = new ArrayList<>(more.getOrDefault(known, List.of()));
        values.add(value);
        more.put(known, values);
        return new Reply(status, more, text, binary);
    }

    /**
     * Returns the same answer with a header field, or this answer if it has that field already. The case of the name does not matter.
     *
     * @throws IllegalArgumentException if the name or the value holds CR, LF or NUL
     */
    public Reply withDefault(String name, String value) {
        return header(name) == null ? with(name, value) : this;
    }

    /**
     * Returns the same status and content with these header fields instead.
     *
     * @throws IllegalArgumentException if a field holds CR, LF or NUL, has no value, or is named twice
     */
    public Reply withHeaders(Map<String, List<String>> headers) {
        return new Reply(status, headers, text, binary);
    }

    /** Returns whether there is content. Content may be empty. */
    public boolean hasBody() {
        return text != null || binary != null;
    }

    /** Returns the content as text, or null if there is none. Bytes are decoded as UTF-8. */
    public @Nullable String body() {
        return binary == null ? text : new String(binary, StandardCharsets.UTF_8);
    }

    /**
     * Returns the bytes that are sent as content; none if there is no content. Text is encoded as UTF-8, with U+FFFD in place of each
     * unpaired surrogate. The caller may change the array.
     */
    public byte[] bytes() {
        if (binary != null) {
            return binary.clone();
        }
        return text == null ? NOTHING : wellFormed(text).getBytes(StandardCharsets.UTF_8);
    }

    /** Java would encode an unpaired surrogate as a question mark. */
    private static String wellFormed(String text) {
        StringBuilder mended = null;
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (Character.isSupplementaryCodePoint(text.codePointAt(i))) {
                    i++;
                } else {
                    mended = mended == null ? new StringBuilder(text) : mended;
                    mended.setCharAt(i, '\uFFFD');
                }
            }
        }
        return mended == null ? text : mended.toString();
    }

    /** Returns whether the other is a reply with the same status, header fields and content. Text is not equal to bytes. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Reply that
                && status == that.status
                && headers.equals(that.headers)
                && Objects.equals(text, that.text)
                && Arrays.equals(binary, that.binary);
    }

    @Override
    public int hashCode() {
        return Objects.hash(status, headers, text, Arrays.hashCode(binary));
    }

    /**
     * Returns the status, the names of the header fields and the length of the content. Omits the values, because a field may hold a token.
     */
    @Override
    public String toString() {
        int length = binary != null ? binary.length : text != null ? text.length() : 0;
        return "Reply[" + status + ", " + headers.keySet() + ", " + length
                + (binary != null ? " bytes]" : " characters]");
    }
}
