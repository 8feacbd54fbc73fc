// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventAppender;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * Buffers the events that one writer appends, until {@link GroupCommit} writes them. The lock of {@link GroupCommit} guards the state.
 * Thread-safe.
 */
final class MongoEventAppender implements EventAppender {

    /** How many bytes of events of one stream may wait to be written. */
    private static final long MAX_PENDING_BYTES = 2L << 20;

    /**
     * The most characters that an event may have. They take at most 12 MB as UTF-8, so a document stays below the server's limit of 16 MB.
     */
    static final int MAX_EVENT_CHARS = 4 << 20;

    private static final long MAX_BATCH_CHARS = MAX_EVENT_CHARS;
    static final int MAX_BATCH_EVENTS = 500;
    private static final int MAX_DETAIL_CHARS = 64 << 10;
    private static final int END_OVERHEAD_BYTES = 160;

    private final GroupCommit commit;
    private final String streamId;
    private final int epoch;

    private List<Event> gathered = new ArrayList<>();
    private long pendingBytes;
    private @Nullable End end;
    private final long first;
    private long next;
    private long acknowledgedTo;
    private boolean inFlight;
    private boolean endTaken;
    private boolean stale;
    private @Nullable RuntimeException failure;

    MongoEventAppender(GroupCommit commit, String streamId, int epoch, long next) {
        this.commit = commit;
        this.streamId = streamId;
        this.epoch = epoch;
        this.first = next;
        this.next = next;
        this.acknowledgedTo = next;
    }

    @Override
    public long append(@Nullable String type, String data) {
        // Validates the event before the call can block.
        Event checked = new Event(0, type, data);
        long chars = charsOf(checked);
        if (chars > MAX_EVENT_CHARS) {
            throw new IllegalArgumentException(
                    "the event has " + chars + " characters, at most " + MAX_EVENT_CHARS + " are allowed");
        }
        long bytes = EventBatch.bytesOf(checked);
        commit.lock.lock();
        try {
            commit.await(() -> {
                requireOpen();
                return hasRoomFor(bytes);
            });
            long position = next++;
            gathered.add(new Event(position, checked.type(), data));
            pending(bytes);
            submit();
            return position;
        } finally {
            commit.lock.unlock();
        }
    }

    @Override
    public void flush() {
        commit.lock.lock();
        try {
            long target = next;
            commit.await(() -> {
                requireHealthy();
                return acknowledgedTo >= target;
            });
        } finally {
            commit.lock.unlock();
        }
    }

    @Override
    public void end(End how) {
        if (how instanceof End.Completed completed
                && completed.result() != null
                && completed.result().length() > MAX_EVENT_CHARS) {
            throw new IllegalArgumentException("the result has "
                    + completed.result().length() + " characters, at most " + MAX_EVENT_CHARS + " are allowed");
        }
        commit.lock.lock();
        try {
            requireOpen();
            end = bounded(how);
            next++;
            pending(bytesOf(end));
            submit();
            flush();
        } finally {
            commit.lock.unlock();
        }
    }

    /** Shortens the detail of a failure if it is too long, because an end must always fit into a document. */
    private static End bounded(End how) {
        if (how instanceof End.Failed failed
                && failed.problem().detail() != null
                && failed.problem().detail().length() > MAX_DETAIL_CHARS) {
            Problem whole = failed.problem();
            return End.failed(
                    new Problem(whole.status(), whole.code(), whole.detail().substring(0, MAX_DETAIL_CHARS) + '…'));
        }
        return how;
    }

    /** Returns whether this many more bytes may wait. An event larger than the limit is admitted when no other bytes of the stream wait. */
    private boolean hasRoomFor(long bytes) {
        return (pendingBytes == 0 || pendingBytes + bytes <= MAX_PENDING_BYTES) && commit.hasRoomFor(bytes);
    }

    private void submit() {
        if (!inFlight) {
            commit.submit(this);
        }
    }

    private void requireOpen() {
        requireHealthy();
        if (end != null) {
            throw new StaleWriterException("stream " + streamId + " has ended");
        }
    }

    private void requireHealthy() {
        if (stale) {
            throw new StaleWriterException(
                    "stream " + streamId + " has another writer or an end, so epoch " + epoch + " is stale");
        }
        RuntimeException e = failure;
        if (e != null) {
            throw ProblemCode.STORE_UNREACHABLE.exception("The event store cannot be reached.", e);
        }
    }

    /** Returns whether the next batch need not wait for the budget, because it is the first of this writer or the stream is ending. */
    boolean isUrgent() {
        return acknowledgedTo == first || end != null;
    }

    /** Removes and returns the next batch: buffered events up to the limits of a batch, and the end if no events are left and it fits. */
    EventBatch take() {
        int count = 0;
        long chars = 0;
        while (count < gathered.size()
                && count < MAX_BATCH_EVENTS
                && (count == 0 || chars + charsOf(gathered.get(count)) <= MAX_BATCH_CHARS)) {
            chars += charsOf(gathered.get(count));
            count++;
        }
        List<Event> events = gathered.subList(0, count);
        boolean last =
                count == gathered.size() && end != null && (count == 0 || chars + charsOf(end) <= MAX_BATCH_CHARS);
        EventBatch batch = EventBatch.of(new ObjectId(), streamId, acknowledgedTo, epoch, events)
                .withEnd(last ? end : null);
        gathered = new ArrayList<>(gathered.subList(count, gathered.size()));
        inFlight = true;
        endTaken = last;
        return batch;
    }

    static long charsOf(Event event) {
        return event.data().length() + (event.type() == null ? 0L : event.type().length());
    }

    private static long charsOf(End end) {
        if (end instanceof End.Completed completed && completed.result() != null) {
            return completed.result().length();
        }
        return end instanceof End.Failed failed && failed.problem().detail() != null
                ? failed.problem().detail().length()
                : 0;
    }

    /** Returns the approximate size of an end in memory, in bytes, including a batch of its own, which it may need. */
    private static long bytesOf(End end) {
        return END_OVERHEAD_BYTES + 2 * charsOf(end);
    }

    boolean hasMore() {
        return !gathered.isEmpty() || (end != null && !endTaken);
    }

    void acknowledged(EventBatch batch) {
        inFlight = false;
        acknowledgedTo = batch.next();
        long bytes = 0;
        for (Event event : batch.events()) {
            bytes += EventBatch.bytesOf(event);
        }
        pending(-(batch.end() == null ? bytes : bytes + bytesOf(batch.end())));
    }

    void fenced() {
        stale = true;
        giveUp();
    }

    void failed(RuntimeException e) {
        failure = e;
        giveUp();
    }

    private void giveUp() {
        inFlight = false;
        gathered.clear();
        pending(-pendingBytes);
    }

    private void pending(long bytes) {
        pendingBytes += bytes;
        commit.pending(bytes);
    }
}
