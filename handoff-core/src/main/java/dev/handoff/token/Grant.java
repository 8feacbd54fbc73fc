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
 * What a token allows: some rights on one stream, until it expires. Whoever holds the token has them, as often as they like
 * until then.
 *
 * @param streamId the stream
 * @param rights what may be done with it
 * @param format the name of the {@link StreamFormat} it is delivered in
 * @param subject whom it was given to, or null; for the record, since a token is not bound to who presents it
 * @param expires when it ends; counts in whole seconds
 * @param claims further facts about the client that was given the token, such as its tenant, for the application's own checks: at most 16
 *     with at most 1024 bytes in UTF-8, names included. Each lengthens the address of the stream
 */
public record Grant(
        String streamId,
        Set<Right> rights,
        String format,
        @Nullable String subject,
        Instant expires,
        Map<String, String> claims) {

    /** A right to do something with a stream. */
    public enum Right {
        /** Reading it, and asking for its status. */
        READ,
        /** Cancelling its task. */
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
