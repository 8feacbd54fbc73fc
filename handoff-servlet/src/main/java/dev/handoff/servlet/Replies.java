package dev.handoff.servlet;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Puts a {@link Reply} on a servlet response. */
final class Replies {

    private static final byte[] NOTHING = new byte[0];

    private Replies() {}

    /** Sets the status and the headers and returns the bytes of the body. */
    static byte[] begin(HttpServletResponse response, Reply reply) {
        response.setStatus(reply.status());
        setHeaders(response, reply.headers());
        String body = reply.body();
        byte[] bytes = body == null ? NOTHING : wellFormed(body).getBytes(StandardCharsets.UTF_8);
        if (reply.status() != HttpServletResponse.SC_NO_CONTENT) {
            response.setContentLength(bytes.length);
        }
        return bytes;
    }

    /** Returns the reply with a header field, unless it has the field already. */
    static Reply withDefault(Reply reply, String name, String value) {
        boolean present = reply.headers().keySet().stream().anyMatch(name::equalsIgnoreCase);
        return present ? reply : reply.with(name, value);
    }

    /** Returns the text with U+FFFD in place of each unpaired surrogate, which Java would encode as a question mark. */
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

    /** Sets header fields. {@code Vary} is added to what the response has already, since CORS sets it as well. */
    static void setHeaders(HttpServletResponse response, Map<String, String> headers) {
        headers.forEach((name, value) -> {
            if (name.equalsIgnoreCase("Vary")) {
                response.addHeader(name, value);
            } else {
                response.setHeader(name, value);
            }
        });
    }
}
