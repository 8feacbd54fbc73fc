// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a client a stream event by event, as Server-Sent Events or as JSON lines. It reads the store only when the adapter requests the
 * next part, so it reads nothing while the socket of the client is not ready.
 */
public final class EventFeed extends Feed {

    /** How many bytes of a large part one call writes. A rest of less than twice as many bytes is written in one call. */
    public static final int SLICE_BYTES = 16 << 10;

    private static final Logger logger = LoggerFactory.getLogger(EventFeed.class);
    private static final int EVENTS_PER_READ = 128;
    private static final int BYTES_PER_PART = 16 << 10;
    private static final int CHARS_WHILE_BLOCKED = 32 << 10;
    /** A store or a format that takes longer must not run in the thread that gives hints to the readers of other streams. */
    private static final long SLOW_MILLIS = 100;

    private final Feeds feeds;
    private final StreamFormat.EventFormat format;
    private final EventStream stream;
    private final EntryWriter entries;
    private @Nullable SharedFrames shared;
    private volatile long deliveredAt;
    private volatile boolean slow;
    /** Whether the adapter has requested a part. A hint that runs earlier makes no part. */
    private volatile boolean begun;
    /** Whether a hint has run before that. */
    private volatile boolean hintedEarly;
    /** Used only by the thread that sends heartbeats. */
    private long heartbeatAt;

    // Only in produce(). References are written as seldom as possible, for the sake of concurrent garbage collectors.
    private EventStream.@Nullable Batch prefetched;
    private EventStream.@Nullable Batch rest;
    private int index;
    private long after;
    private @Nullable FrameWriter buffer;
    /** The size of the last part. The next part usually has about the same size. */
    private int lastSize = 256;
    /** A part of which only the first bytes are written. */
    private SharedFrames.@Nullable Part unfinished;

    private int written;

    EventFeed(Feeds feeds, AuthorizedStream access, StreamFormat.EventFormat format, @Nullable EventId last) {
        super(access, format, feeds);
        this.feeds = feeds;
        this.format = format;
        this.stream = access.stream();
        this.deliveredAt = feeds.now();
        this.heartbeatAt = deliveredAt;
        this.after = last == null ? EventStream.BEGINNING : last.after();
        this.entries = new EntryWriter(access, format, feeds.retry(), last == null ? 0 : last.part());
    }

    /** Returns the framing of this feed. */
    public Framing framing() {
        return entries.framing();
    }

    /** Returns the header fields of the response. */
    public Map<String, String> headers() {
        return Map.of(
                "Content-Type", framing().contentType(),
                "Cache-Control", "no-cache, no-transform",
                "X-Accel-Buffering", "no");
    }

    @Override
    Runnable watching(Runnable hint) {
        return () -> {
            if (!begun) {
                hintedEarly = true;
            }
            hint.run();
        };
    }

    @Override
    void join() {
        shared = feeds.frames().join(streamId(), format);
    }

    @Override
    void leave() {
        SharedFrames joined = shared;
        if (joined != null) {
            feeds.frames().leave(joined);
        }
    }

    /** Reads the first batch, unless another reader has just read the same one. It is written later. */
    @Override
    void prepare() {
        if (sharedAfter(after) != null) {
            return;
        }
        try {
            EventStream.Batch batch = stream.read(after, EVENTS_PER_READ);
            prefetched = batch.last() == after && batch.end() == null ? null : batch;
        } catch (ProblemException e) {
            if (e.problem().status() == 410) {
                throw e;
            }
            logger.debug("stream {} could not be read when it was opened, the next part reads it again", streamId(), e);
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.debug("stream {} could not be read when it was opened, the next part reads it again", streamId(), e);
        }
    }

    private SharedFrames.@Nullable Part sharedAfter(long position) {
        SharedFrames joined = shared;
        return joined == null ? null : joined.after(position);
    }

    /**
     * Drops the rest of the batch if it has more than 32 Ki characters, because the socket takes no more. The feed reads these events again
     * later. Only for the thread that may ask for the next part.
     */
    public void onBlocked() {
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

    /** Returns a heartbeat if nothing was sent for the heartbeat time; else null. Only for the thread that sends heartbeats. */
    public @Nullable FrameWriter heartbeat() {
        long silent = feeds.now() - Math.max(deliveredAt, heartbeatAt);
        return silent >= feeds.heartbeat().toMillis() ? filler() : null;
    }

    /**
     * Returns a heartbeat, which clients ignore: a comment, or a space in front of a JSON line. It may be sent before the first part, and
     * when the reader has caught up. Send it at once if the server sends the header fields only with the first bytes.
     */
    public FrameWriter filler() {
        return FrameWriter.heartbeat(framing());
    }

    /** Notes that the socket has taken a {@link #heartbeat}. Only for the thread that sends heartbeats. */
    public void heartbeatSent() {
        heartbeatAt = feeds.heartbeatSent();
    }

    /** Returns whether it took 100 ms or more to make the last part. A hint must then not make the next part in its own thread. */
    public boolean isSlow() {
        return slow;
    }

    @Override
    public boolean isDue() {
        return false;
    }

    @Override
    public boolean hasMore(long position, Object run) {
        return readers().hasMore(stream, position, run);
    }

    @Override
    public long position() {
        return after;
    }

    @Override
    public long deliveredAt() {
        return deliveredAt;
    }

    /**
     * Writes the next part of the response in one call, less than twice {@value #SLICE_BYTES} bytes. Blocks until the store, the format and
     * the output return. If the store or the format fails, this part reports that and is the last one.
     *
     * @throws IOException if the output throws it
     */
    public Produced produce(OutputStream out) throws IOException {
        if (!begun) {
            begun = true;
        }
        SharedFrames.Part part = unfinished;
        if (part == null) {
            long begin = feeds.now();
            part = nextOrCut();
            long end = feeds.now();
            setSlow(end - begin >= SLOW_MILLIS);
            if (part == null) {
                return Produced.NOTHING;
            }
            if (part.frames().size() > 0) {
                deliveredAt = end;
            }
        }
        int size = part.frames().size() - written;
        // A remainder that is shorter than a slice is written with it.
        int count = size < 2 * SLICE_BYTES ? size : SLICE_BYTES;
        if (count > 0) {
            part.frames().writeTo(out, written, count);
            wrote(count);
        }
        if (count < size) {
            unfinished = part;
            written += count;
            return Produced.PART;
        }
        // Hints may have run between the slices, when the adapter could write no more, or between the first read and
        // now.
        boolean hinted = written > 0 || hintedEarly;
        if (hinted) {
            unfinished = null;
            written = 0;
            hintedEarly = false;
        }
        wroteWhole(part);
        return hinted && part.produced() == Produced.CAUGHT_UP ? Produced.PART : part.produced();
    }

    /**
     * Returns whether the last call of {@link #produce} wrote only the beginning of a part. Nothing may be sent to the client before its rest.
     * Only for the thread that may ask for the next part.
     */
    public boolean isWithinPart() {
        return unfinished != null;
    }

    private void setSlow(boolean slow) {
        if (this.slow != slow) {
            this.slow = slow;
        }
    }

    private SharedFrames.@Nullable Part nextOrCut() {
        Problem interruption = interruption();
        if (interruption != null) {
            return cut(interruption);
        }
        try {
            return next();
        } catch (FormatException e) {
            logger.error("stream {} is cut at position {}, its format failed", streamId(), entries.failedAt(), e);
            return last(entries.failed());
        } catch (ProblemException e) {
            return cut(e.problem());
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.warn("stream {} could not be read, the response is cut", streamId(), e);
            return cut(INTERRUPTED);
        }
    }

    private SharedFrames.@Nullable Part next() {
        // Frames can be shared if they begin at the boundary of an entry and of a batch, without the retry field.
        boolean common = rest == null && entries.isShareable();
        SharedFrames.Part known = common ? sharedAfter(after) : null;
        if (known != null) {
            entries.skipShared();
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
            throw new IllegalStateException("the store was asked for stream " + streamId() + " after position " + after
                    + " and returned a batch that ends at position " + batch.last());
        }
        long begin = after;
        FrameWriter writer = buffer;
        if (writer == null) {
            writer = entries.writer(Math.min(lastSize + lastSize / 4, BYTES_PER_PART));
        }
        writer.clear();
        Produced produced = fill(writer, batch);
        lastSize = writer.size();
        SharedFrames.Part part = new SharedFrames.Part(begin, after, writer, produced, reasonOf(produced, batch.end()));
        boolean kept = common && rest == null && keep(part);
        // A reader that has caught up needs no buffer, and a shared buffer must not be written again.
        buffer = produced == Produced.PART && !kept ? writer : null;
        return part;
    }

    /** A reader that uses a shared part reads the stream again, since a hint may have come in between. */
    private boolean keep(SharedFrames.Part part) {
        SharedFrames joined = shared;
        return joined != null && joined.keep(part.produced() == Produced.CAUGHT_UP ? part.withMore() : part);
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
     * Writes a batch from the entry at which the last call stopped. If the format fails on an entry, what comes before it is returned as a
     * part; the next call then begins with the entry.
     *
     * @throws FormatException if the format fails on the first entry
     */
    private Produced fill(FrameWriter writer, EventStream.Batch batch) {
        List<Event> events = batch.events();
        End end = batch.end();
        int next = index;
        boolean clean = true;
        try {
            while (next < events.size() && writer.size() < BYTES_PER_PART) {
                entries.write(writer, events.get(next));
                next++;
            }
            if (next < events.size()) {
                return leaveRest(batch, next);
            }
            if (end != null) {
                clean = entries.write(writer, batch.last(), end);
            }
        } catch (FormatException e) {
            if (writer.size() == 0) {
                throw e;
            }
            return leaveRest(batch, next);
        }
        rest = null;
        index = 0;
        after = batch.last();
        if (end != null) {
            return clean ? Produced.LAST : Produced.TRUNCATED;
        }
        return events.size() < EVENTS_PER_READ && !batch.more() ? Produced.CAUGHT_UP : Produced.PART;
    }

    private Produced leaveRest(EventStream.Batch batch, int next) {
        rest = batch;
        index = next;
        return Produced.PART;
    }

    private SharedFrames.Part cut(Problem problem) {
        return last(entries.lastFrames(Rendering.interrupted(format, problem), null, interruption() != null));
    }

    private SharedFrames.Part last(FrameWriter frames) {
        return new SharedFrames.Part(after, after, frames, Produced.TRUNCATED, reasonOfCut());
    }
}
