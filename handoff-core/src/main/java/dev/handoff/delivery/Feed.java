// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gives one client the parts of its response: an {@link EventFeed} or a {@link DocumentFeed}. A feed keeps no queue. The adapter of a server
 * asks it for the next part when the socket takes one, so a slow client costs one batch.
 *
 * <p>A feed that is not opened holds nothing. An adapter calls {@link #open} once, then writes what the feed gives until that is the last part, and calls {@link #close} once.
 * It looks for more when {@link #open open's} hint runs, and at least once a second by {@link #hasMore}, because a hint may be lost.
 *
 * <p>Only one thread at a time may ask for the next part. All other methods are thread-safe.
 */
public abstract sealed class Feed permits EventFeed, DocumentFeed {

    /** Says what was written as the next part. */
    public enum Produced {
        /** It wrote nothing, because there was nothing to write. */
        NOTHING,
        /** It wrote a part, and there may be more. */
        PART,
        /** It wrote a part, and there was no more when it read the stream. The hint runs when there is more. */
        CAUGHT_UP,
        /** It wrote the last part, and the response is complete. */
        LAST,
        /** It wrote the last part, and the response must not look complete: the connection has to be aborted. */
        TRUNCATED
    }

    /** The problem of a response that a server stops before the end of its stream. */
    public static final Problem INTERRUPTED = ProblemCode.INTERRUPTED.problem(
            "The server had to stop before the end. Connect again with Last-Event-ID for the rest.");

    private final AuthorizedStream access;
    private final StreamFormat format;
    private final Feeds feeds;
    // Set by open().
    private @Nullable StreamReaders readers;
    private EventStream.@Nullable Watch watch;
    private @Nullable ObservedReader observed;
    /** Why the response ends, as the adapter knows. */
    private volatile @Nullable ReaderEnd reason;
    /** Why the response ends, if its last part was written. */
    private volatile @Nullable ReaderEnd written;

    private volatile @Nullable Problem interruption;

    Feed(AuthorizedStream access, StreamFormat format, Feeds feeds) {
        this.access = access;
        this.format = format;
        this.feeds = feeds;
    }

    /**
     * Watches the stream and reads it for the first time. May block for as long as the store takes.
     *
     * @param hint runs when there may be more; see {@link EventStream#watch}
     * @throws RuntimeException if the store throws it, or a {@link ProblemException} with status 410 if the stream is no longer kept. The
     *     adapter then closes the feed and answers with {@link #error}
     */
    public final void open(Runnable hint) {
        readers = feeds.readers().join(streamId());
        join();
        watch = Objects.requireNonNull(access.stream().watch(hint), "the store returned no watch");
        if (interruption == null) {
            prepare();
        }
        observed = feeds.observe(access);
    }

    /** Joins the state that readers of a stream share. */
    void join() {}

    /** Reads the stream for the first time. */
    void prepare() {}

    /** Returns the id of the stream. */
    public final String streamId() {
        return access.grant().streamId();
    }

    final AuthorizedStream access() {
        return access;
    }

    final StreamReaders readers() {
        return Objects.requireNonNull(readers, "the feed was not opened");
    }

    /** Returns the answer to a request whose feed could not be opened. An error of the whole JVM is thrown instead. */
    public final Reply error(Throwable e) {
        Problem problem = Rendering.problemOf(e);
        feeds.observeRefusal(problem);
        return Rendering.error(format, problem);
    }

    /** Makes the next part the last one: it says the problem, and the response does not look complete. */
    public final void interrupt(Problem problem) {
        interruption = problem;
    }

    /** Returns why the response stops before the end of its stream; null if it goes on. */
    public final @Nullable Problem interruption() {
        return interruption;
    }

    /** Returns the position up to which the stream was read. Only for the thread that may ask for the next part. */
    public abstract long position();

    /** Returns when something of the stream was last given, in the milliseconds of {@link Feeds#now}. */
    public abstract long deliveredAt();

    /** Returns whether there is something to write that no hint announces. Never blocks. */
    public abstract boolean isDue();

    /**
     * Asks the store whether there is something to write. May block. False also if the store fails, because that is no reason to cut a
     * reader.
     *
     * @param position the {@link #position} of this feed
     * @param run identifies one look at all feeds, which asks the store once for all readers of a stream at the same position
     */
    public abstract boolean hasMore(long position, Object run);

    /**
     * Checks that the stream is still kept, and not shorter than what was read of it. May block. {@link #gone} then says what was found.
     *
     * @param position the {@link #position} of this feed
     * @param run identifies one check of all feeds, which asks the store once for all readers of a stream
     * @param now the time, in the milliseconds of {@link Feeds#now}
     * @param interval the least time between two checks of a stream, in milliseconds
     */
    public final void checkKept(long position, Object run, long now, long interval) {
        readers().check(access, position, run, now, interval);
    }

    /** Returns why the stream can never go on; null if it can, as far as {@link #hasMore} and {@link #checkKept} have found. */
    public final @Nullable Problem gone() {
        return readers().gone();
    }

    /** Notes that bytes of the stream were written. Only for the thread that may ask for the next part. */
    final void wrote(long bytes) {
        ObservedReader reader = observed;
        if (reader != null && bytes > 0) {
            reader.wrote(bytes);
        }
    }

    /** Notes that the last part was written, and why it is the last. Does nothing for null, which stands for a part that is not the last. */
    final void wroteLast(@Nullable ReaderEnd end) {
        if (end != null) {
            written = end;
        }
    }

    /** Returns why the response ends after a part; null if it does not. */
    static @Nullable ReaderEnd reasonOf(Produced produced, @Nullable End end) {
        boolean last = produced == Produced.LAST || produced == Produced.TRUNCATED;
        return last && end != null ? reasonOf(end) : null;
    }

    /** Returns why a response that has the end of its stream ends. */
    static ReaderEnd reasonOf(End end) {
        if (end instanceof End.Completed) {
            return ReaderEnd.COMPLETED;
        }
        return end instanceof End.Failed ? ReaderEnd.FAILED : ReaderEnd.CANCELLED;
    }

    /** Returns why a response that the server stops before the end of its stream ends. */
    final ReaderEnd reasonOfCut() {
        return interruption == INTERRUPTED ? ReaderEnd.DRAINED : ReaderEnd.CUT;
    }

    /**
     * Notes why the adapter is going to close this feed, for the {@link HandoffObserver}, if only the adapter knows: the client has left, is
     * too slow, or cannot be served. Without it the reason is the last part that was written; else that of an {@link #interrupt
     * interruption}; else that the client has left.
     */
    public final void closesBecause(ReaderEnd reason) {
        this.reason = reason;
    }

    private ReaderEnd end() {
        ReaderEnd noted = reason == null ? written : reason;
        if (noted != null) {
            return noted;
        }
        return interruption == null ? ReaderEnd.CLIENT_GONE : reasonOfCut();
    }

    /** Releases the stream. Called once after {@link #open}, also if that threw. May call the store. */
    public final void close() {
        ObservedReader reader = observed;
        if (reader != null) {
            reader.closed(end());
        }
        StreamReaders joined = readers;
        if (joined != null) {
            joined.leave();
        }
        leave();
        EventStream.Watch open = watch;
        if (open != null) {
            open.close();
        }
    }

    /** Leaves the shared state, if {@code join} was called. */
    void leave() {}
}
