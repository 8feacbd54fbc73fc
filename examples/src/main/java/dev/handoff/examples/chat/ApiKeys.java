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
 * Who may use the API. Keys are kept as hashes; the subject that a key stands for is the beginning of its hash, so that it
 * can be logged and stored.
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

    /** The keys in a list with commas; nobody else may use the API then. Of an empty list or null: everybody may. */
    static ApiKeys parse(@Nullable String list) {
        return new ApiKeys(
                list == null
                        ? List.of()
                        : Arrays.stream(list.split(","))
                                .map(String::strip)
                                .filter(k -> !k.isEmpty())
                                .toList());
    }

    /** Whether no key is needed. */
    boolean open() {
        return subjects.isEmpty();
    }

    /** How many there are. */
    int count() {
        return subjects.size();
    }

    /**
     * Who has sent this {@code Authorization} field; empty if it holds none of the keys. The key is looked up by its hash, so
     * the time it takes tells nothing of the others.
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
