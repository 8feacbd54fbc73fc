package dev.handoff.servlet;

import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventId;
import dev.handoff.EventStream;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.SseWriter;
import dev.handoff.StreamAccess;
import dev.handoff.StreamFormat;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client that reads a stream as Server-Sent Events. Nothing is queued for it: while its socket is not ready nothing is
 * read, so a slow client costs one batch.
 */
final class EventConnection extends Connection {

    private static final Logger logger = LoggerFactory.getLogger(EventConnection.class);
    private static final int EVENTS_PER_READ = 64;
    private static final int BYTES_PER_PART = 16 << 10;

    private final StreamFormat.EventFormat format;
    private final EventStream stream;
    private final long heartbeatMillis;
    private volatile long writtenAt;
    private volatile boolean heartbeatDue;

    // Only in produce().
    private EventStream.@Nullable Batch batch;
    private int index;
    private long after;
    private int skip;
    private boolean first = true;
    private final @Nullable Duration retry;
    private @Nullable SseWriter frames;
    /** What comes next is most often about as large. */
    private int lastSize = 256;

    /**
     * A reader that starts after an event.
     *
     * @param last the last event the client has had; null if it has had none
     */
    EventConnection(
            EventStreamServlet servlet,
            StreamAccess access,
            StreamFormat.EventFormat format,
            @Nullable EventId last,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        super(servlet, access, request, response);
        this.format = format;
        this.stream = access.stream();
        this.heartbeatMillis = servlet.heartbeatMillis();
        this.retry = servlet.retry();
        this.writtenAt = servlet.now();
        this.after = last == null ? EventStream.BEGINNING : last.after();
        this.skip = last == null ? 0 : last.part();
    }

    @Override
    void tick(long now) {
        heartbeatDue = now - writtenAt >= heartbeatMillis;
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        SseWriter writer = frames == null ? new SseWriter(lastSize + lastSize / 4) : frames;
        writer.clear();
        Produced produced = fillOrCut(writer);
        // Whoever waits keeps no buffer, and what the container is still at must not be written to.
        frames = produced == Produced.PART ? writer : null;
        if (produced == Produced.NOTHING) {
            return produced;
        }
        heartbeatDue = false;
        writtenAt = now();
        lastSize = writer.size();
        writer.writeTo(out);
        return produced;
    }

    private Produced fillOrCut(SseWriter writer) {
        if (interrupted()) {
            return cut(writer, EventStreamServlet.INTERRUPTED);
        }
        try {
            return fill(writer);
        } catch (ProblemException e) {
            return cut(writer, e.problem());
        } catch (RuntimeException e) {
            logger.warn("stream {} could not be read on", stream.id(), e);
            return cut(writer, EventStreamServlet.INTERRUPTED);
        }
    }

    private Produced fill(SseWriter writer) {
        boolean all = false;
        while (writer.size() < BYTES_PER_PART && !all) {
            EventStream.Batch current = batch;
            if (current == null) {
                current = stream.read(after, EVENTS_PER_READ);
                if (current.last() == after && current.end() == null) {
                    break;
                }
                batch = current;
                index = 0;
            }
            if (index < current.events().size()) {
                Event event = current.events().get(index++);
                write(writer, event.position(), format.frames(event));
            } else {
                after = current.last();
                batch = null;
                all = current.events().size() < EVENTS_PER_READ;
                End end = current.end();
                if (end != null) {
                    write(writer, after, format.frames(end));
                    return Produced.LAST;
                }
            }
        }
        if (writer.size() == 0 && heartbeatDue) {
            writer.comment("");
        }
        if (writer.size() == 0) {
            return Produced.NOTHING;
        }
        return all ? Produced.ALL : Produced.PART;
    }

    private void write(SseWriter writer, long position, List<StreamFormat.Frame> entry) {
        for (int i = skip; i < entry.size(); i++) {
            if (first && retry != null) {
                writer.retry(retry.toMillis());
            }
            first = false;
            int part = i + 1 == entry.size() ? 0 : i + 1;
            StreamFormat.Frame frame = entry.get(i);
            writer.event(new EventId(stream.id(), position, part).toString(), frame.type(), frame.data());
        }
        skip = 0;
    }

    private Produced cut(SseWriter writer, Problem problem) {
        StreamFormat.Frame frame = format.interrupted(problem);
        writer.event(null, frame.type(), frame.data());
        return Produced.CUT;
    }
}
