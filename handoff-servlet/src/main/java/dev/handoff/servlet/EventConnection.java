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
    private static final SseWriter HEARTBEAT = new SseWriter(2).comment("");

    private final StreamFormat.EventFormat format;
    private final EventStream stream;
    private final long heartbeatMillis;
    private volatile long writtenAt;
    private volatile boolean heartbeatDue;

    private final Audience audience;
    private final @Nullable Duration retry;

    // Only in produce().
    private EventStream.@Nullable Batch batch;
    private int index;
    private long after;
    private int skip;
    private boolean first = true;
    private boolean caughtUp;
    private @Nullable SseWriter buffer;
    private SseWriter frames = HEARTBEAT;
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
        this.audience = servlet.audiences().join(stream.id(), format);
    }

    @Override
    void onClose() {
        servlet().audiences().leave(audience);
    }

    @Override
    void tick(long now) {
        heartbeatDue = now - writtenAt >= heartbeatMillis;
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        Produced produced = nextOrCut();
        caughtUp = produced == Produced.ALL || produced == Produced.NOTHING;
        if (produced != Produced.NOTHING) {
            heartbeatDue = false;
            writtenAt = now();
            frames.writeTo(out);
        }
        frames = HEARTBEAT;
        return produced;
    }

    private Produced nextOrCut() {
        if (interrupted()) {
            return cut(EventStreamServlet.INTERRUPTED);
        }
        try {
            return next();
        } catch (ProblemException e) {
            return cut(e.problem());
        } catch (RuntimeException e) {
            logger.warn("stream {} could not be read on", stream.id(), e);
            return cut(EventStreamServlet.INTERRUPTED);
        }
    }

    /** Leaves what is to be written in {@link #frames}. */
    private Produced next() {
        // What others write as well: neither begun in mid-entry or in mid-batch, nor with what only the first part has.
        boolean common = skip == 0 && batch == null && !(first && retry != null);
        Audience.Part known = common ? audience.after(after) : null;
        if (known != null) {
            first = false;
            after = known.last();
            frames = known.frames();
            // Whoever was not told of all that came before must look again by itself.
            return known.produced() == Produced.ALL && !caughtUp ? Produced.PART : known.produced();
        }
        if (batch == null && !read()) {
            return heartbeatDue ? Produced.ALL : Produced.NOTHING;
        }
        long begin = after;
        frames = buffer == null ? new SseWriter(lastSize + lastSize / 4) : buffer;
        frames.clear();
        Produced produced = fill(frames);
        // Whoever waits keeps no buffer, and what others write as well must not be written over.
        buffer = null;
        if (frames.size() == 0) {
            // The format shows nothing of what was there.
            frames = HEARTBEAT;
            return heartbeatDue ? produced : Produced.NOTHING;
        }
        lastSize = frames.size();
        if (common && batch == null) {
            audience.offer(begin, after, frames, produced);
        } else if (produced == Produced.PART) {
            buffer = frames;
        }
        return produced;
    }

    /** Whether there is more. */
    private boolean read() {
        EventStream.Batch next = stream.read(after, EVENTS_PER_READ);
        if (next.last() == after && next.end() == null) {
            return false;
        }
        batch = next;
        index = 0;
        return true;
    }

    /** Goes on from the batch that there is. */
    private Produced fill(SseWriter writer) {
        EventStream.Batch current = batch;
        while (current != null && writer.size() < BYTES_PER_PART) {
            if (index < current.events().size()) {
                Event event = current.events().get(index++);
                write(writer, event.position(), format.frames(event));
                continue;
            }
            after = current.last();
            batch = null;
            End end = current.end();
            if (end != null) {
                write(writer, after, format.frames(end));
                return Produced.LAST;
            }
            if (current.events().size() < EVENTS_PER_READ || !read()) {
                return Produced.ALL;
            }
            current = batch;
        }
        return Produced.PART;
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

    private Produced cut(Problem problem) {
        StreamFormat.Frame frame = format.interrupted(problem);
        if (frames == HEARTBEAT) {
            frames = new SseWriter();
        }
        // After what had been read before.
        frames.event(null, frame.type(), frame.data());
        return Produced.CUT;
    }
}
