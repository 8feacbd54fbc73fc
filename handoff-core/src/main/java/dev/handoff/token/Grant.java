package dev.handoff.token;

import dev.handoff.format.StreamFormat;
import dev.handoff.store.StreamId;
import java.time.Instant;
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
 */
public record Grant(
        String streamId,
        Set<Right> rights,
        String format,
        @Nullable String subject,
        Instant expires) {

    /** What may be done with a stream. */
    public enum Right {
        /** Reading it, and asking for its status. */
        READ,
        /** Cancelling its task. */
        CANCEL
    }

    /** Checks the parts. */
    public Grant {
        StreamId.require(streamId);
        rights = Set.copyOf(rights);
        Objects.requireNonNull(format, "format");
        Objects.requireNonNull(expires, "expires");
    }
}
