// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

/** Reads the {@code Idempotency-Key} field (draft-ietf-httpapi-idempotency-key-header-07). */
public final class IdempotencyKey {

    private static final int MAX_LENGTH = 255;

    private IdempotencyKey() {}

    /**
     * Returns the key in a field. The field holds a structured-field string, which the draft requires, or the bare text that most clients
     * send.
     *
     * @throws ProblemException with status 400 if the key is malformed, empty, longer than 255 characters, or not printable ASCII; the
     *     message names the first 100 characters of the field
     */
    public static String parse(String field) {
        String value = field.strip();
        String key = value.startsWith("\"") ? unquote(value) : value;
        if (key.isEmpty()) {
            throw refusal("is empty", field);
        }
        if (key.length() > MAX_LENGTH) {
            throw refusal("has " + key.length() + " characters, " + MAX_LENGTH + " are allowed", field);
        }
        if (!key.chars().allMatch(c -> c >= 0x20 && c < 0x7F)) {
            throw refusal("has characters that are not printable ASCII", field);
        }
        return key;
    }

    /** The content of an sf-string (RFC 9651, 3.3.3): a backslash may stand before a quote or a backslash only. */
    private static String unquote(String value) {
        StringBuilder content = new StringBuilder();
        int i = 1;
        while (i < value.length() && value.charAt(i) != '"') {
            if (value.charAt(i) == '\\') {
                i++;
                if (i == value.length() || (value.charAt(i) != '"' && value.charAt(i) != '\\')) {
                    throw refusal("has a backslash that is not followed by a quote or a backslash", value);
                }
            }
            content.append(value.charAt(i));
            i++;
        }
        if (i != value.length() - 1) {
            throw refusal("is not one quoted string", value);
        }
        return content.toString();
    }

    private static ProblemException refusal(String reason, String field) {
        String shown = field.length() <= 100 ? field : field.substring(0, 100) + "…";
        return ProblemCode.INVALID_IDEMPOTENCY_KEY.exception(
                "The Idempotency-Key " + reason + ": " + shown.replaceAll("[^\\x20-\\x7E…]", "?"));
    }
}
