// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import dev.handoff.format.StreamFormat;
import dev.handoff.store.StreamId;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Names the rights that a token gives on one stream until it expires. Each holder of the token has these rights and can use them any number
 * of times until then.
 *
 * @param streamId the stream
 * @param rights what a holder of the token may do with the stream and its task
 * @param format the name of the {@link StreamFormat} in which the client reads the stream
 * @param subject the user for whom the token was made; null if unknown. handoff does not check that this user presents the token
 * @param expires when the rights end. A token keeps whole seconds and may lose fractions
 * @param claims further facts about the client that was given the token, such as its tenant, for the application's own checks: at most 16,
 *     which have together at most 1024 bytes in UTF-8, names included. Each claim lengthens the address of the stream
 */
public record Grant(
        String streamId,
        Set<Right> rights,
        String format,
        @Nullable String subject,
        Instant expires,
        Map<String, String> claims) {

    /** A right on a stream or its task. */
    public enum Right {
        /** The right to read the stream and the status of its task. */
        READ,
        /** The right to cancel the task of the stream. */
        CANCEL
    }

    /**
     * Checks the parts and copies the claims.
     *
     * @throws IllegalArgumentException if the stream has no valid id; if there are too many claims, they are too long, or one has an empty
     *     name or an unpaired surrogate
     */
    public Grant {
        StreamId.require(streamId);
        rights = Set.copyOf(rights);
        Objects.requireNonNull(format, "format");
        Objects.requireNonNull(expires, "expires");
        claims = Claims.copyOf(claims);
    }

    /** Creates a grant without claims. */
    public Grant(String streamId, Set<Right> rights, String format, @Nullable String subject, Instant expires) {
        this(streamId, rights, format, subject, expires, Map.of());
    }

    /**
     * Returns the same grant with these claims instead of its own.
     *
     * @throws IllegalArgumentException if there are too many claims, they are too long, or one has an empty name or an unpaired surrogate
     */
    public Grant withClaims(Map<String, String> claims) {
        return new Grant(streamId, rights, format, subject, expires, claims);
    }
}
