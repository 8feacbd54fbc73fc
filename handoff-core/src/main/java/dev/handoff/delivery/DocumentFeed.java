// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a client one document when the stream has ended. The client receives nothing before that, except spaces if the server keeps
 * connections alive and the format allows it.
 */
public final class DocumentFeed extends Feed {

    private static final Logger logger = LoggerFactory.getLogger(DocumentFeed.class);

    private final Feeds feeds;
    private final StreamFormat.DocumentFormat format;
    private final String location;
    private final long since;
    private final @Nullable Duration waitFor;
    /** Null if the client gets no spaces. */
    private final @Nullable Duration keepAlive;

    private final @Nullable String contentType;
    /** When the client got the last byte. Used only by the thread that sends spaces. */
    private long sentAt;

    DocumentFeed(
            Feeds feeds,
            AuthorizedStream access,
            StreamFormat.DocumentFormat format,
            @Nullable Duration waitFor,
            String location,
            @Nullable Duration keepAlive) {
        super(access, format, feeds);
        this.feeds = feeds;
        this.format = format;
        this.waitFor = waitFor;
        this.location = location;
        this.since = feeds.now();
        this.sentAt = since;
        // A client that waits for a limited time expects the status 202 after it.
        this.keepAlive = waitFor == null ? keepAlive : null;
        this.contentType = this.keepAlive == null ? null : Rendering.contentTypeAfterSpaces(format);
    }

    /**
     * Returns the header fields of a response that begins with {@linkplain #keepAlive spaces}, with the status 200; empty if the client gets
     * no spaces. If the {@link #reply} then has another status than 200, the adapter writes its content and aborts the connection.
     */
    public Optional<Map<String, List<String>>> keepAliveHeaders() {
        String type = contentType;
        return type == null
                ? Optional.empty()
                : Optional.of(Map.of(
                        "Content-Type", List.of(type),
                        "Cache-Control", List.of("no-store, no-transform"),
                        "X-Accel-Buffering", List.of("no"),
                        "x-should-retry", List.of("false")));
    }

    /** Returns a space if the client got nothing for the time after which it gets one; else null. Only for the thread that sends spaces. */
    public @Nullable FrameWriter keepAlive() {
        boolean due = contentType != null && keepAlive != null && feeds.now() - sentAt >= keepAlive.toMillis();
        return due ? JsonLinesWriter.HEARTBEAT : null;
    }

    /** Notes that the socket has taken a space. Only for the thread that sends spaces. */
    public void keepAliveSent() {
        sentAt = feeds.heartbeatSent();
    }

    /**
     * Returns the answer; empty while there is none. The answer is the document if the stream has ended; 202 with the status of the task if
     * the stream has not ended when the client's wait is over (RFC 7240, 4.3); or an error if the stream cannot be read or the feed is
     * interrupted. Blocks until the store and the format return.
     */
    public Optional<Reply> reply() {
        Optional<Reply> reply = find().map(found -> found.with("Cache-Control", "no-store"));
        reply.ifPresent(found -> {
            wrote(found.bytes().length);
            delivered(1);
        });
        return reply;
    }

    private Optional<Reply> find() {
        try {
            Optional<End> end = access().stream().end();
            if (end.isPresent()) {
                wroteLast(reasonOf(end.get()));
                return Optional.of(Rendering.document(format, end.get()));
            }
            if (isDue() && waitFor != null) {
                wroteLast(ReaderEnd.WAIT_OVER);
                return Optional.of(Reply.of(202, Reply.JSON, feeds.status(access()))
                        .with("x-should-retry", "false")
                        .with("Location", location)
                        .with("Preference-Applied", "wait=" + waitFor.toSeconds()));
            }
        } catch (ProblemException e) {
            wroteLast(ReaderEnd.CUT);
            return Optional.of(Rendering.error(format, e.problem()));
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.warn("stream {} could not be read", streamId(), e);
            wroteLast(ReaderEnd.CUT);
            return Optional.of(Rendering.error(format, INTERRUPTED));
        }
        Problem interruption = interruption();
        return interruption == null ? Optional.empty() : Optional.of(Rendering.error(format, interruption));
    }

    @Override
    public long position() {
        return EventStream.BEGINNING;
    }

    @Override
    public long deliveredAt() {
        return since;
    }

    /** Returns whether the time that the client is willing to wait is over. */
    @Override
    public boolean isDue() {
        return waitFor != null && feeds.now() - since >= waitFor.toMillis();
    }

    @Override
    public boolean hasMore(long position, Object run) {
        return readers().hasEnded(access().stream(), run);
    }
}
