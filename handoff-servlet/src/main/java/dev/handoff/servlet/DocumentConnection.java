package dev.handoff.servlet;

import dev.handoff.End;
import dev.handoff.ProblemException;
import dev.handoff.Reply;
import dev.handoff.StreamAccess;
import dev.handoff.StreamFormat;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A client that waits for a stream to end and is then given one document. Nothing is sent to it before. */
final class DocumentConnection extends Connection {

    private static final Logger logger = LoggerFactory.getLogger(DocumentConnection.class);

    private final StreamFormat.DocumentFormat format;
    private final String location;
    private final long since = now();
    private final @Nullable Duration waitFor;

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
            HttpServletResponse response)
            throws IOException {
        super(servlet, access, request, response);
        this.format = format;
        this.waitFor = waitFor;
        this.location = location;
    }

    @Override
    void tick(long now) {}

    @Override
    Produced produce(OutputStream out) throws IOException {
        Optional<Reply> reply = reply();
        if (reply.isEmpty()) {
            return Produced.NOTHING;
        }
        Reply whole = reply.get().with("Cache-Control", "no-store").with("x-should-retry", "false");
        out.write(Replies.begin(response, whole));
        return Produced.LAST;
    }

    private Optional<Reply> reply() {
        try {
            Optional<End> end = access().stream().end();
            if (end.isPresent()) {
                return end.map(format::document);
            }
            if (waitFor != null && now() - since >= waitFor.toMillis()) {
                return Optional.of(Reply.of(202, Reply.JSON, servlet().statusJson(access()))
                        .with("Location", location)
                        .with("Preference-Applied", "wait=" + waitFor.toSeconds()));
            }
        } catch (ProblemException e) {
            return Optional.of(format.error(e.problem()));
        } catch (RuntimeException e) {
            logger.warn("stream {} could not be read", streamId(), e);
            return Optional.of(format.error(EventStreamServlet.INTERRUPTED));
        }
        return interrupted() ? Optional.of(format.error(EventStreamServlet.INTERRUPTED)) : Optional.empty();
    }
}
