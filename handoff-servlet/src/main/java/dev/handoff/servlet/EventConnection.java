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
    private static final int EVENTS_PER_READ = 128;
    private static final int BYTES_PER_PART = 16 << 10;
    private static final Audience.Part HEARTBEAT =
            new Audience.Part(EventStream.BEGINNING, EventStream.BEGINNING, new SseWriter(2).comment(""), Produced.ALL);

    private final StreamFormat.EventFormat format;
    private final EventStream stream;
    private final long heartbeatMillis;
    private volatile long writtenAt;
    private volatile boolean heartbeatDue;

    private final Audience audience;
    private final @Nullable Duration retry;

    // Only in produce(). References are written as seldom as can be: a collector that works beside has to look at each
    // again.
    private EventStream.@Nullable Batch rest;
    private int index;
    private long after;
    private int skip;
    private boolean first = true;
    private @Nullable SseWriter buffer;
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
        Audience.Part part = nextOrCut();
        if (part == null) {
            return Produced.NOTHING;
        }
        heartbeatDue = false;
        writtenAt = now();
        part.frames().writeTo(out);
        return part.produced();
    }

    private Audience.@Nullable Part nextOrCut() {
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

    private Audience.@Nullable Part next() {
        // What others write as well: neither begun in mid-entry or in mid-batch, nor with what only the first part has.
        boolean common = skip == 0 && rest == null && !(first && retry != null);
        Audience.Part known = common ? audience.after(after) : null;
        if (known != null) {
            first = false;
            after = known.last();
            buffer = null;
            return known;
        }
        long begin = after;
        SseWriter writer = buffer;
        Produced produced;
        do {
            EventStream.Batch batch = rest == null ? stream.read(after, EVENTS_PER_READ) : rest;
            if (batch.last() == after && batch.end() == null) {
                buffer = null;
                return heartbeatDue ? HEARTBEAT : null;
            }
            if (writer == null) {
                writer = new SseWriter(Math.min(lastSize + lastSize / 4, BYTES_PER_PART));
            }
            writer.clear();
            produced = fill(writer, batch);
            // There may be something of which the format shows nothing.
        } while (writer.size() == 0);
        lastSize = writer.size();
        Audience.Part part = new Audience.Part(begin, after, writer, produced);
        // Others may have been told of something since, so they look again.
        boolean kept = common && rest == null && audience.keep(produced == Produced.ALL ? part.withMore() : part);
        // Whoever waits needs no buffer, and one that others write from must not be written to.
        buffer = produced == Produced.PART && !kept ? writer : null;
        return part;
    }

    /** Goes on in a batch from where it was left. */
    private Produced fill(SseWriter writer, EventStream.Batch batch) {
        List<Event> events = batch.events();
        int next = index;
        while (next < events.size() && writer.size() < BYTES_PER_PART) {
            Event event = events.get(next++);
            write(writer, event.position(), format.frames(event));
        }
        if (next < events.size()) {
            rest = batch;
            index = next;
            return Produced.PART;
        }
        rest = null;
        index = 0;
        after = batch.last();
        End end = batch.end();
        if (end != null) {
            write(writer, after, format.frames(end));
            return Produced.LAST;
        }
        return events.size() < EVENTS_PER_READ ? Produced.ALL : Produced.PART;
    }

    private void write(SseWriter writer, long position, List<StreamFormat.Frame> entry) {
        for (int i = skip; i < entry.size(); i++) {
            if (first && retry != null) {
                writer.retry(retry.toMillis());
            }
            first = false;
            int part = i + 1 == entry.size() ? 0 : i + 1;
            StreamFormat.Frame frame = entry.get(i);
            writer.event(access().eventId(position, part), frame.type(), frame.data());
        }
        skip = 0;
    }

    private Audience.Part cut(Problem problem) {
        StreamFormat.Frame frame = format.interrupted(problem);
        SseWriter writer = new SseWriter().event(null, frame.type(), frame.data());
        return new Audience.Part(after, after, writer, Produced.CUT);
    }
}
