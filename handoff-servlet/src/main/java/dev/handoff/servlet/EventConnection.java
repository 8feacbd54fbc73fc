package dev.handoff.servlet;

import dev.handoff.StreamAccess;
import dev.handoff.delivery.EventId;
import dev.handoff.delivery.SseWriter;
import dev.handoff.delivery.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
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
    private static final int CHARS_WHILE_BLOCKED = 32 << 10;
    /** A store or a format that takes longer must not run in the thread that gives hints to the readers of other streams. */
    private static final long SLOW_MILLIS = 100;

    private static final long DRAIN_RETRY_MILLIS = 1000;
    private static final SseWriter HEARTBEAT = new SseWriter(2).comment("");
    private static final SseWriter NOTHING = new SseWriter(0);

    private final StreamFormat.EventFormat format;
    private final EventStream stream;
    private final long heartbeatMillis;
    private volatile long deliveredAt;
    /** Only on the timer. */
    private long heartbeatAt;

    private final Audience audience;
    private final @Nullable Duration retry;

    // Only in produce(). References are written as seldom as possible, for the sake of concurrent garbage collectors.
    private EventStream.@Nullable Batch prefetched;
    private EventStream.@Nullable Batch rest;
    private int index;
    private long after;
    private int skip;
    private boolean first = true;
    private @Nullable SseWriter buffer;
    /** The next part is most often about as large. */
    private int lastSize = 256;
    /** A part of which only the first bytes are written. */
    private Audience.@Nullable Part unfinished;

    private int written;
    /** The position of the entry on which the format failed. */
    private long badPosition;

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
            HttpServletResponse response) {
        super(servlet, access, request, response);
        this.format = format;
        this.stream = access.stream();
        this.heartbeatMillis = servlet.heartbeatMillis();
        this.retry = servlet.retry();
        this.deliveredAt = servlet.now();
        this.heartbeatAt = deliveredAt;
        this.after = last == null ? EventStream.BEGINNING : last.after();
        this.skip = last == null ? 0 : last.part();
        this.audience = servlet.audiences().join(streamId(), format);
    }

    /** Reads for the first time, unless another reader has just read the same. The result is written later. */
    @Override
    void prepare() {
        if (audience.after(after) != null) {
            return;
        }
        try {
            EventStream.Batch batch = stream.read(after, EVENTS_PER_READ);
            prefetched = batch.last() == after && batch.end() == null ? null : batch;
        } catch (ProblemException e) {
            if (e.problem().status() == 410) {
                throw e;
            }
            logger.debug("stream {} cannot be read yet", streamId(), e);
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.debug("stream {} cannot be read yet", streamId(), e);
        }
    }

    @Override
    void begin() throws IOException {
        setHeaders(response);
        servlet().container().prepare(request, response);
        response.flushBuffer();
    }

    static void setHeaders(HttpServletResponse response) {
        response.setContentType("text/event-stream");
        response.setHeader("Cache-Control", "no-cache, no-transform");
        response.setHeader("X-Accel-Buffering", "no");
    }

    @Override
    void onClose() {
        servlet().audiences().leave(audience);
    }

    /** Drops the rest of a large batch while a slow client takes nothing. The stream is read again for it. */
    @Override
    void onBlocked() {
        EventStream.Batch batch = rest;
        if (batch == null) {
            return;
        }
        long chars = 0;
        for (int i = index; i < batch.events().size() && chars <= CHARS_WHILE_BLOCKED; i++) {
            chars += batch.events().get(i).data().length();
        }
        if (chars > CHARS_WHILE_BLOCKED) {
            after = index == 0 ? after : batch.events().get(index - 1).position();
            rest = null;
            index = 0;
        }
    }

    @Override
    boolean isDue(long now) {
        return false;
    }

    @Override
    void tick(long now) throws IOException {
        if (now - Math.max(deliveredAt, heartbeatAt) >= heartbeatMillis && send(HEARTBEAT)) {
            heartbeatAt = now;
        }
    }

    @Override
    boolean hasMore(Readers readers, long position, Object run) {
        return readers.hasMore(stream, position, run);
    }

    @Override
    long position() {
        return after;
    }

    @Override
    long deliveredAt() {
        return deliveredAt;
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        Audience.Part part = unfinished;
        if (part == null) {
            long begin = now();
            part = nextOrCut();
            long end = now();
            setSlow(end - begin >= SLOW_MILLIS);
            if (part == null) {
                return Produced.NOTHING;
            }
            if (part.frames().size() > 0) {
                deliveredAt = end;
            }
        }
        int size = part.frames().size() - written;
        // A remainder that is shorter than a slice goes with it.
        int count = size < 2 * SLICE_BYTES ? size : SLICE_BYTES;
        if (count > 0) {
            part.frames().writeTo(out, written, count);
        }
        if (count < size) {
            unfinished = part;
            written += count;
            return Produced.PART;
        }
        if (written > 0) {
            unfinished = null;
            written = 0;
        }
        return part.produced();
    }

    private Audience.@Nullable Part nextOrCut() {
        Problem interruption = interruption();
        if (interruption != null) {
            return cut(interruption);
        }
        try {
            return next();
        } catch (FormatException e) {
            logger.error("stream {} is cut at position {}", streamId(), badPosition, e);
            return part(Rendering.failed(format), access().eventId(badPosition, 0));
        } catch (ProblemException e) {
            return cut(e.problem());
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.warn("stream {} could not be read on", streamId(), e);
            return cut(EventStreamServlet.INTERRUPTED);
        }
    }

    private Audience.@Nullable Part next() {
        // Frames can be shared if they begin at the boundary of an entry and of a batch, without the retry field.
        boolean common = skip == 0 && rest == null && !(first && retry != null);
        Audience.Part known = common ? audience.after(after) : null;
        if (known != null) {
            first = false;
            after = known.last();
            buffer = null;
            prefetched = null;
            return known;
        }
        EventStream.Batch batch = rest == null ? read() : rest;
        if (batch.last() == after && batch.end() == null) {
            buffer = null;
            return null;
        }
        if (batch.last() < after) {
            throw new IllegalStateException("the store read stream " + streamId() + " after " + after
                    + " and returned what ends at " + batch.last());
        }
        long begin = after;
        SseWriter writer = buffer;
        if (writer == null) {
            writer = new SseWriter(Math.min(lastSize + lastSize / 4, BYTES_PER_PART));
        }
        writer.clear();
        Produced produced = fill(writer, batch);
        lastSize = writer.size();
        Audience.Part part = new Audience.Part(begin, after, writer, produced);
        // A reader that uses a shared part reads the stream again, since a hint may have come in between.
        boolean kept = common && rest == null && audience.keep(produced == Produced.ALL ? part.withMore() : part);
        // A reader that has caught up needs no buffer, and a shared buffer must not be written again.
        buffer = produced == Produced.PART && !kept ? writer : null;
        return part;
    }

    private EventStream.Batch read() {
        EventStream.Batch batch = prefetched;
        if (batch == null) {
            return stream.read(after, EVENTS_PER_READ);
        }
        prefetched = null;
        return batch;
    }

    /**
     * Writes a batch from where it was left. If the format fails on an entry, what comes before it is returned as a part; the
     * next call then begins with the entry.
     *
     * @throws FormatException if the format fails on the first entry
     */
    private Produced fill(SseWriter writer, EventStream.Batch batch) {
        List<Event> events = batch.events();
        End end = batch.end();
        int next = index;
        boolean clean = true;
        try {
            while (next < events.size() && writer.size() < BYTES_PER_PART) {
                write(writer, events.get(next));
                next++;
            }
            if (next < events.size()) {
                return leave(batch, next);
            }
            if (end != null) {
                clean = write(writer, batch.last(), end);
            }
        } catch (FormatException e) {
            if (writer.size() == 0) {
                throw e;
            }
            return leave(batch, next);
        }
        rest = null;
        index = 0;
        after = batch.last();
        if (end != null) {
            return clean ? Produced.LAST : Produced.CUT;
        }
        return events.size() < EVENTS_PER_READ && !batch.more() ? Produced.ALL : Produced.PART;
    }

    private Produced leave(EventStream.Batch batch, int next) {
        rest = batch;
        index = next;
        return Produced.PART;
    }

    private void write(SseWriter writer, Event event) {
        int size = writer.size();
        boolean atStart = first;
        try {
            write(writer, event.position(), format.frames(event));
        } catch (Throwable e) {
            throw failure(writer, size, atStart, event.position(), e);
        }
    }

    /** Returns whether the response ends cleanly after this end. */
    private boolean write(SseWriter writer, long position, End end) {
        int size = writer.size();
        boolean atStart = first;
        try {
            List<StreamFormat.Frame> frames = format.frames(end);
            if (frames.isEmpty()) {
                throw new IllegalStateException(
                        "it returned no frame for the end, so a client could not tell the end from a cut");
            }
            boolean clean = format.endsCleanly(end);
            write(writer, position, frames);
            return clean;
        } catch (Throwable e) {
            throw failure(writer, size, atStart, position, e);
        }
    }

    private FormatException failure(SseWriter writer, int size, boolean atStart, long position, Throwable e) {
        FormatException failure = Rendering.failure(format, e);
        writer.truncate(size);
        first = atStart;
        badPosition = position;
        return failure;
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
        return part(Rendering.interrupted(format, problem), null);
    }

    /**
     * Returns the last part of a response that is not complete.
     *
     * @param id the id of the last frame, so that the client resumes after it; null if it has none
     */
    private Audience.Part part(List<StreamFormat.Frame> frames, @Nullable String id) {
        SseWriter writer = frames.isEmpty() ? NOTHING : new SseWriter();
        try {
            for (int i = 0; i < frames.size(); i++) {
                if (first && (retry != null || interruption() != null)) {
                    writer.retry(retry == null ? DRAIN_RETRY_MILLIS : retry.toMillis());
                }
                first = false;
                StreamFormat.Frame frame = frames.get(i);
                writer.event(i + 1 == frames.size() ? id : null, frame.type(), frame.data());
            }
        } catch (RuntimeException e) {
            logger.error("stream {} is cut without a frame", streamId(), Rendering.failure(format, e));
            writer = NOTHING;
        }
        return new Audience.Part(after, after, writer, Produced.CUT);
    }
}
