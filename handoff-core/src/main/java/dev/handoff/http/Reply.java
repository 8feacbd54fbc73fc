package dev.handoff.http;

import dev.handoff.check.Lines;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP answer as a value, so that code on any framework can give it.
 *
 * @param status the status code
 * @param headers the fields, in order; names as they are to be sent
 * @param body the content, to be sent as UTF-8; null for none
 */
public record Reply(
        int status, Map<String, String> headers, @Nullable String body) {

    private static final byte[] NOTHING = new byte[0];

    /** The media type of JSON. */
    public static final String JSON = "application/json";

    /**
     * Checks the parts and copies the headers.
     *
     * @throws IllegalArgumentException if the status is none, or a header holds CR, LF or NUL
     */
    public Reply {
        if (status < 200 || status > 599) {
            throw new IllegalArgumentException("not a final HTTP status: " + status);
        }
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
        headers.forEach((name, value) -> {
            Lines.requireOne("header name", name);
            Lines.requireOne("header " + name, value);
        });
    }

    /** An answer without content. */
    public static Reply of(int status) {
        return new Reply(status, Map.of(), null);
    }

    /** An answer with content. */
    public static Reply of(int status, String contentType, String body) {
        return new Reply(status, Map.of("Content-Type", contentType), body);
    }

    /** Returns the same answer with one more header field, or with another value of it. */
    public Reply with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.keySet().removeIf(name::equalsIgnoreCase);
        more.put(name, value);
        return new Reply(status, more, body);
    }

    /** Returns the same answer, with the header field if it does not have it. Names are the same in any case. */
    public Reply withDefault(String name, String value) {
        boolean present = headers.keySet().stream().anyMatch(name::equalsIgnoreCase);
        return present ? this : with(name, value);
    }

    /**
     * Returns the content as it is sent: in UTF-8, with U+FFFD in place of each unpaired surrogate. No bytes if there is no
     * content.
     */
    public byte[] bytes() {
        return body == null ? NOTHING : wellFormed(body).getBytes(StandardCharsets.UTF_8);
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
}
