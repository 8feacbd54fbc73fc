// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the entries of a stream as frames for one reader. Each frame has the id after which the reader resumes. Not thread-safe. */
final class EntryWriter {

    private static final Logger logger = LoggerFactory.getLogger(EntryWriter.class);
    /** How long a server that stops tells its clients to wait. */
    private static final long RETRY_AFTER_INTERRUPTION_MILLIS = 1000;

    private static final FrameWriter NOTHING = new SseWriter(0);

    private final AuthorizedStream access;
    private final StreamFormat.EventFormat format;
    private final Framing framing;
    private final @Nullable Duration retry;

    /** How many frames of the first entry the reader has received. */
    private int skip;

    private boolean first = true;
    /** The position of the entry on which the format has failed. */
    private long failedAt;

    /** @throws RuntimeException if the format does not say how its frames are written */
    EntryWriter(AuthorizedStream access, StreamFormat.EventFormat format, @Nullable Duration retry, int skip) {
        this.access = access;
        this.format = format;
        this.framing = Rendering.framing(format);
        this.retry = retry;
        this.skip = skip;
    }

    Framing framing() {
        return framing;
    }

    /** Returns an empty buffer for frames, with room for a number of bytes. */
    FrameWriter writer(int capacity) {
        return FrameWriter.of(framing, capacity);
    }

    /** Returns whether all readers at this position get the same next frames. */
    boolean isShareable() {
        return skip == 0 && !(first && retry != null);
    }

    /** Called after the reader was sent frames that another reader has encoded. */
    void skipShared() {
        first = false;
    }

    /**
     * Writes an event.
     *
     * @throws FormatException if the format fails; then nothing was written
     */
    void write(FrameWriter writer, Event event) {
        int size = writer.size();
        boolean atStart = first;
        try {
            write(writer, event.position(), format.frames(event));
        } catch (Throwable e) {
            throw failure(writer, size, atStart, event.position(), e);
        }
    }

    /**
     * Writes the end. Returns whether the response ends cleanly after it.
     *
     * @throws FormatException if the format fails; then nothing was written
     */
    boolean write(FrameWriter writer, long position, End end) {
        int size = writer.size();
        boolean atStart = first;
        try {
            List<StreamFormat.Frame> frames = format.frames(end);
            if (frames.isEmpty()) {
                throw new IllegalStateException(
                        "the format returned no frame for the end, so the stream would look incomplete");
            }
            boolean clean = format.endsCleanly(end);
            write(writer, position, frames);
            return clean;
        } catch (Throwable e) {
            throw failure(writer, size, atStart, position, e);
        }
    }

    private FormatException failure(FrameWriter writer, int size, boolean atStart, long position, Throwable e) {
        FormatException failure = Rendering.failure(format, e);
        writer.truncate(size);
        first = atStart;
        failedAt = position;
        return failure;
    }

    private void write(FrameWriter writer, long position, List<StreamFormat.Frame> entry) {
        for (int i = skip; i < entry.size(); i++) {
            if (first && retry != null) {
                writer.retry(retry.toMillis());
            }
            first = false;
            int part = i + 1 == entry.size() ? 0 : i + 1;
            StreamFormat.Frame frame = entry.get(i);
            writer.event(access.eventId(position, part), frame.type(), frame.data());
        }
        skip = 0;
    }

    /** Returns the last frames of a response that stops because its format has failed. The client resumes after the entry. */
    FrameWriter failed() {
        return lastFrames(Rendering.failed(format), access.eventId(failedAt, 0), false);
    }

    /** Returns the position of the entry on which the format has failed. */
    long failedAt() {
        return failedAt;
    }

    /**
     * Returns the last frames of a response that stops before the end of its stream.
     *
     * @param id the id of the last frame, so that the client resumes after it; null if it has none
     * @param interrupted whether the server stops, so that the client is told when to come back
     */
    FrameWriter lastFrames(List<StreamFormat.Frame> frames, @Nullable String id, boolean interrupted) {
        FrameWriter writer = frames.isEmpty() ? NOTHING : writer(512);
        try {
            for (int i = 0; i < frames.size(); i++) {
                if (first && (retry != null || interrupted)) {
                    writer.retry(retry == null ? RETRY_AFTER_INTERRUPTION_MILLIS : retry.toMillis());
                }
                first = false;
                StreamFormat.Frame frame = frames.get(i);
                writer.event(i + 1 == frames.size() ? id : null, frame.type(), frame.data());
            }
        } catch (RuntimeException e) {
            logger.error(
                    "stream {} is cut without a last frame, because its format failed",
                    access.grant().streamId(),
                    Rendering.failure(format, e));
            return NOTHING;
        }
        return writer;
    }
}
