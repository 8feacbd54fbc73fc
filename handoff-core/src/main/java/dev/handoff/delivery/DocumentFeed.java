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
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives a client one document when the stream has ended. The client receives nothing before that. */
public final class DocumentFeed extends Feed {

    private static final Logger logger = LoggerFactory.getLogger(DocumentFeed.class);

    private final Feeds feeds;
    private final StreamFormat.DocumentFormat format;
    private final String location;
    private final long since;
    private final @Nullable Duration waitFor;

    DocumentFeed(
            Feeds feeds,
            AuthorizedStream access,
            StreamFormat.DocumentFormat format,
            @Nullable Duration waitFor,
            String location) {
        super(access, format, feeds);
        this.feeds = feeds;
        this.format = format;
        this.waitFor = waitFor;
        this.location = location;
        this.since = feeds.now();
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
