// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Holds those preferences of a client that handoff understands (RFC 7240). Unknown and malformed preferences are ignored, because a client
 * cannot demand a preference. If a preference is given twice, the first valid one counts.
 *
 * @param respondAsync whether the client prefers an immediate 202 to waiting for the answer (4.1)
 * @param waitFor how long the client is willing to wait for the whole answer (4.3); empty if it does not say
 */
public record Prefer(boolean respondAsync, Optional<Duration> waitFor) {

    private static final int MAX_DIGITS = 9;

    /**
     * Returns the preferences in a {@code Prefer} field. Throws nothing.
     *
     * @param field all lines of the field, joined by commas; null if there is none
     */
    public static Prefer parse(@Nullable String field) {
        boolean respondAsync = false;
        Optional<Duration> waitFor = Optional.empty();
        for (String preference : field == null ? List.<String>of() : split(field, ',')) {
            // Parameters after a semicolon are defined for neither of the two.
            String[] pair = split(preference, ';').get(0).split("=", 2);
            String name = pair[0].strip().toLowerCase(Locale.ROOT);
            String value = pair.length == 1 ? "" : unquote(pair[1].strip());
            if (name.equals("respond-async")) {
                respondAsync = true;
            } else if (name.equals("wait") && waitFor.isEmpty() && isNumber(value)) {
                waitFor = Optional.of(Duration.ofSeconds(Long.parseLong(value)));
            }
        }
        return new Prefer(respondAsync, waitFor);
    }

    /** Splits where the separator stands outside of quotes. */
    private static List<String> split(String text, char separator) {
        List<String> parts = new ArrayList<>();
        int from = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quoted) {
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == separator && !quoted) {
                parts.add(text.substring(from, i));
                from = i + 1;
            }
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static String unquote(String value) {
        boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    private static boolean isNumber(String value) {
        return !value.isEmpty() && value.length() <= MAX_DIGITS && value.chars().allMatch(c -> c >= '0' && c <= '9');
    }
}
