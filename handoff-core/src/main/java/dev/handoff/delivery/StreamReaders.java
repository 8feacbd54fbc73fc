// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The readers of one stream on this server, in any format. A job asks the store about a stream once for all of them.
 *
 * <p>Thread-safe. The methods that take a run block for as long as the store takes to answer. While one thread waits for the
 * store, others skip the stream.
 */
final class StreamReaders {

    private static final Logger logger = LoggerFactory.getLogger(StreamReaders.class);

    /** How long a stream has to be gone, or shorter than what was read, before its readers are cut. */
    private static final long CONFIRM_AFTER_MILLIS = 1000;

    private final All all;
    private final String streamId;
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicBoolean asking = new AtomicBoolean();

    // Used only by the thread that has set asking.
    private @Nullable Object lookRun;
    private long lookedAfter;
    private boolean found;

    private @Nullable Object endRun;
    private boolean ended;

    private @Nullable Object checkRun;
    private long checkedAt = Long.MIN_VALUE;
    private long length;
    /** Whether this check has found the stream gone or too short. */
    private boolean suspected;
    /** Whether the check before did so. */
    private boolean suspectedBefore;

    private volatile @Nullable Problem gone;

    private StreamReaders(All all, String streamId) {
        this.all = all;
        this.streamId = streamId;
    }

    /**
     * Returns whether the stream has an entry after a position. False also if the store fails, because a failing store
     * is no reason to cut a reader.
     *
     * @param run identifies the run of the job, which reads the store once for all readers at the same position
     */
    boolean hasMore(EventStream stream, long after, Object run) {
        if (!asking.compareAndSet(false, true)) {
            return false;
        }
        try {
            if (lookRun != run || lookedAfter != after) {
                lookRun = run;
                lookedAfter = after;
                found = false;
                EventStream.Batch batch = stream.read(after, 1);
                found = batch.last() > after || batch.end() != null;
            }
            return found;
        } catch (Throwable e) {
            note(e);
            return false;
        } finally {
            asking.set(false);
        }
    }

    /** Returns whether the stream has ended; otherwise as {@link #hasMore}. */
    boolean hasEnded(EventStream stream, Object run) {
        if (!asking.compareAndSet(false, true)) {
            return false;
        }
        try {
            if (endRun != run) {
                endRun = run;
                ended = false;
                ended = stream.end().isPresent();
            }
            return ended;
        } catch (Throwable e) {
            note(e);
            return false;
        } finally {
            asking.set(false);
        }
    }

    /**
     * Checks for an idle reader whether the stream is still kept. A single answer of the store proves nothing, because it may come from a
     * member of a cluster that is behind. So the readers are cut if two checks in a row, at least a second apart, find that the stream is
     * not kept or that it is shorter than what was read of it. A check that fails proves nothing either.
     *
     * @param seen the position up to which the reader has been sent the stream
     * @param run identifies the run of the job, which asks the store once for all readers
     * @param now the time in milliseconds
     * @param interval the least time between two checks, in milliseconds; after a check that found the stream gone, this is a second at
     *     most
     */
    void check(AuthorizedStream access, long seen, Object run, long now, long interval) {
        if (!asking.compareAndSet(false, true)) {
            return;
        }
        try {
            if (checkRun != run) {
                long pause = suspected ? Math.min(interval, CONFIRM_AFTER_MILLIS) : interval;
                if (checkedAt != Long.MIN_VALUE && now - checkedAt < pause) {
                    return;
                }
                checkedAt = now;
                suspectedBefore = suspected;
                suspected = false;
                // Set before the call, so that a check that fails is not repeated for each reader.
                length = Long.MAX_VALUE;
                checkRun = run;
                access.requireKept();
                length = access.stream().last();
            }
            if (length < seen) {
                // The stream may have grown since the length was read for another reader.
                length = access.stream().last();
            }
            if (length < seen) {
                suspect(ProblemCode.STREAM_GONE.problem("The stream is shorter than what was read of it before."));
            }
        } catch (ProblemException e) {
            if (e.problem().status() == 410) {
                suspect(e.problem());
            } else {
                checkFailed(e);
            }
        } catch (Throwable e) {
            checkFailed(e);
        } finally {
            asking.set(false);
        }
    }

    private void suspect(Problem problem) {
        suspected = true;
        if (suspectedBefore) {
            gone = problem;
        }
    }

    private void checkFailed(Throwable e) {
        suspected |= suspectedBefore;
        note(e);
    }

    /** Removes a reader that has joined. */
    void leave() {
        all.byStream.computeIfPresent(
                streamId, (id, known) -> known == this && count.decrementAndGet() == 0 ? null : known);
    }

    /** Returns why the stream can never go on; null if it can, as far as is known. */
    @Nullable
    Problem gone() {
        return gone;
    }

    private void note(Throwable e) {
        Errors.rethrowFatal(e);
        if (e instanceof ProblemException known && known.problem().status() == 410) {
            gone = known.problem();
        } else {
            logger.debug("stream {} could not be read, the next tick tries again", streamId, e);
        }
    }

    /** Holds the readers of all streams. */
    static final class All {

        private final ConcurrentMap<String, StreamReaders> byStream = new ConcurrentHashMap<>();

        /** Adds a reader, which must leave once. */
        StreamReaders join(String streamId) {
            return byStream.compute(streamId, (id, known) -> {
                StreamReaders readers = known == null ? new StreamReaders(this, id) : known;
                readers.count.incrementAndGet();
                return readers;
            });
        }

        int count(String streamId) {
            StreamReaders readers = byStream.get(streamId);
            return readers == null ? 0 : readers.count.get();
        }

        boolean isEmpty() {
            return byStream.isEmpty();
        }

        /** Returns the streams that have readers. */
        List<String> streamIds() {
            return List.copyOf(byStream.keySet());
        }
    }
}
