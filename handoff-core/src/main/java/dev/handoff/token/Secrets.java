// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Refuses secrets that can be guessed. */
final class Secrets {

    private static final int MIN_SECRET_CHARS = 32;
    private static final int MIN_DISTINCT_CHARS = 10;
    /** The beginnings of secrets from documentation, examples and the sources of other programs. */
    private static final List<String> WELL_KNOWN = List.of(
            "changeme",
            "changethis",
            "secret",
            "mysecret",
            "yoursecret",
            "your256bitsecret",
            "astringsecretatleast256bitslong",
            "supersecret",
            "handoff",
            "password",
            "example",
            "default",
            "insecure",
            "django",
            "test",
            "0123456789",
            "1234567890",
            "abcdefghijklmnopqrstuvwxyz",
            // The default of omega-ml's server.
            "ec3d75c6f5b3965f24f148969b1c82d5");

    private Secrets() {}

    /**
     * Returns the secret, if it is strong.
     *
     * @throws IllegalArgumentException if it is null, too short or well known, or has too few different characters; the message does not
     *     contain it
     */
    static String requireStrong(@Nullable String secret) {
        if (secret == null) {
            throw new IllegalArgumentException("there is no secret (try: openssl rand -base64 32)");
        }
        if (secret.length() < MIN_SECRET_CHARS) {
            throw new IllegalArgumentException("the secret has " + secret.length() + " characters, at least "
                    + MIN_SECRET_CHARS + " are needed (try: openssl rand -base64 32)");
        }
        if (secret.chars().distinct().count() < MIN_DISTINCT_CHARS) {
            throw new IllegalArgumentException("the secret has fewer than " + MIN_DISTINCT_CHARS
                    + " different characters (try: openssl rand -base64 32)");
        }
        String plain = secret.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
        if (WELL_KNOWN.stream().anyMatch(plain::startsWith)) {
            throw new IllegalArgumentException("the secret begins as a well-known one (try: openssl rand -base64 32)");
        }
        return secret;
    }
}
