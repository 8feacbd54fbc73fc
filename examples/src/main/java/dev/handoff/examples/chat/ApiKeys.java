// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Checks API keys. Keeps only hashes of the keys. The subject of a key is the beginning of its hash, which may be logged and stored.
 *
 * <p>Thread-safe.
 */
final class ApiKeys {

    private static final int SUBJECT_DIGITS = 16;

    private final Map<String, String> subjects = new HashMap<>();

    ApiKeys(Collection<String> keys) {
        for (String key : keys) {
            String hash = hash(key);
            subjects.put(hash, "key-" + hash.substring(0, SUBJECT_DIGITS));
        }
    }

    /** Reads keys from a list separated by commas. With an empty list or null, requests need no key. */
    static ApiKeys parse(@Nullable String list) {
        return new ApiKeys(
                list == null
                        ? List.of()
                        : Arrays.stream(list.split(","))
                                .map(String::strip)
                                .filter(k -> !k.isEmpty())
                                .toList());
    }

    /** Returns whether requests need no key. */
    boolean open() {
        return subjects.isEmpty();
    }

    /** Returns the number of keys. */
    int count() {
        return subjects.size();
    }

    /**
     * Returns the subject of the key in an {@code Authorization} field; empty if it holds none of the keys. The lookup uses the hash of the
     * key, so its duration reveals nothing about other keys.
     */
    Optional<String> subject(@Nullable String authorization) {
        if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return Optional.empty();
        }
        return Optional.ofNullable(subjects.get(hash(authorization.substring(7).strip())));
    }

    private static String hash(String key) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
