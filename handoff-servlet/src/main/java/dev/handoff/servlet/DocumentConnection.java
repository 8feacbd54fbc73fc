package dev.handoff.servlet;

import dev.handoff.StreamAccess;
import dev.handoff.delivery.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A client that waits for a stream to end and then gets one document. Nothing is sent to it before. */
final class DocumentConnection extends Connection {

    private static final Logger logger = LoggerFactory.getLogger(DocumentConnection.class);

    private final StreamFormat.DocumentFormat format;
    private final String location;
    private final long since = now();
    private final @Nullable Duration waitFor;

    // Only in produce().
    private byte @Nullable [] document;
    private int written;

    /**
     * A reader that waits.
     *
     * @param waitFor how long the client is willing to wait (RFC 7240), null if it does not say
     * @param location where it can come back to
     */
    DocumentConnection(
            EventStreamServlet servlet,
            StreamAccess access,
            StreamFormat.DocumentFormat format,
            @Nullable Duration waitFor,
            String location,
            HttpServletRequest request,
            HttpServletResponse response) {
        super(servlet, access, request, response);
        this.format = format;
        this.waitFor = waitFor;
        this.location = location;
    }

    @Override
    void begin() {}

    @Override
    boolean isDue(long now) {
        return isWaitOver(now);
    }

    @Override
    void tick(long now) {}

    @Override
    boolean hasMore(Readers readers, long position, Object run) {
        return readers.hasEnded(access().stream(), run);
    }

    @Override
    long position() {
        return EventStream.BEGINNING;
    }

    @Override
    long deliveredAt() {
        return since;
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        byte[] bytes = document;
        if (bytes == null) {
            Optional<Reply> reply = reply();
            if (reply.isEmpty()) {
                return Produced.NOTHING;
            }
            bytes = Replies.begin(response, reply.get().with("Cache-Control", "no-store"));
            document = bytes;
        }
        int count = Math.min(SLICE_BYTES, bytes.length - written);
        out.write(bytes, written, count);
        written += count;
        return written < bytes.length ? Produced.PART : Produced.LAST;
    }

    private Optional<Reply> reply() {
        try {
            Optional<End> end = access().stream().end();
            if (end.isPresent()) {
                return Optional.of(document(format, end.get()));
            }
            if (isWaitOver(now()) && waitFor != null) {
                return Optional.of(Reply.of(202, Reply.JSON, servlet().statusJson(access()))
                        .with("x-should-retry", "false")
                        .with("Location", location)
                        .with("Preference-Applied", "wait=" + waitFor.toSeconds()));
            }
        } catch (ProblemException e) {
            return Optional.of(Rendering.error(format, e.problem()));
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.warn("stream {} could not be read", streamId(), e);
            return Optional.of(Rendering.error(format, EventStreamServlet.INTERRUPTED));
        }
        Problem interruption = interruption();
        return interruption == null ? Optional.empty() : Optional.of(Rendering.error(format, interruption));
    }

    /** Returns the document for an end, or the error that says that the format failed. */
    static Reply document(StreamFormat.DocumentFormat format, End end) {
        try {
            return Rendering.document(format, end).with("x-should-retry", "false");
        } catch (FormatException e) {
            logger.error("a document is answered as an error", e);
            return Rendering.error(format, Rendering.FORMAT_FAILED);
        }
    }

    private boolean isWaitOver(long now) {
        return waitFor != null && now - since >= waitFor.toMillis();
    }
}
