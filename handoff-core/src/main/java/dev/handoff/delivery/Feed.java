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
 * Gives one client the parts of its response, as an {@link EventFeed} or a {@link DocumentFeed}. A feed has no queue. The adapter of a
 * server asks for the next part when the socket can take one, so a slow client costs the memory of one batch.
 *
 * <p>An adapter calls {@link #open} once, asks for parts and writes them until the last one, and calls {@link #close} once. A feed that was
 * not opened needs no close. The adapter asks for the next part when the hint that it passed to {@link #open} runs. A hint may be lost, so
 * the adapter also calls {@link #hasMore} at least once a second.
 *
 * <p>Only one thread at a time may ask for the next part. All other methods are thread-safe.
 */
public abstract sealed class Feed permits EventFeed, DocumentFeed {

    /** The result of a request for the next part. */
    public enum Produced {
        /** Nothing was written, because there was nothing to write. */
        NOTHING,
        /** A part was written, and there may be more. */
        PART,
        /** A part was written, and the stream had no more entries when it was read. The hint runs when there are more. */
        CAUGHT_UP,
        /** The last part was written, and the response is complete. */
        LAST,
        /** The last part was written, and the response must not look complete. The adapter has to abort the connection. */
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
     * Watches the stream and reads it for the first time. Blocks until the store answers.
     *
     * @param hint runs when there may be more to write; see {@link EventStream#watch}
     * @throws RuntimeException if the store fails. This is a {@link ProblemException} with status 410 if the stream is no longer kept. The
     *     adapter then closes the feed and answers with {@link #error}
     */
    public final void open(Runnable hint) {
        readers = feeds.readers().join(streamId());
        join();
        watch = Objects.requireNonNull(access.stream().watch(watching(hint)), "the store returned no watch");
        if (interruption == null) {
            prepare();
        }
        observed = feeds.observe(access);
    }

    /** Returns the hint that the stream runs in place of the adapter's. */
    Runnable watching(Runnable hint) {
        return hint;
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

    /**
     * Returns the answer to a request whose feed could not be opened, and reports the refusal to the observer. Throws errors of the JVM,
     * such as {@link OutOfMemoryError}.
     */
    public final Reply error(Throwable e) {
        Problem problem = Rendering.problemOf(e);
        feeds.observeRefusal(problem);
        return Rendering.error(format, problem);
    }

    /**
     * Stops the response before the end of the stream. The next part that an {@link EventFeed} encodes is then its last: it contains the
     * problem, and the adapter has to abort the connection. A {@link DocumentFeed} answers with the problem, unless the stream has ended.
     */
    public final void interrupt(Problem problem) {
        interruption = problem;
    }

    /** Returns the problem that was passed to {@link #interrupt}; null if there is none. */
    public final @Nullable Problem interruption() {
        return interruption;
    }

    /** Returns the position up to which the stream was read. Only for the thread that may ask for the next part. */
    public abstract long position();

    /**
     * Returns the time at which the last part was produced, or at which the feed was created if there was none, in the milliseconds of
     * {@link Feeds#now}.
     */
    public abstract long deliveredAt();

    /** Returns whether there is something to write that no hint announces, such as the answer after a wait. Never blocks. */
    public abstract boolean isDue();

    /**
     * Asks the store whether there is something to write. Blocks until the store answers. Returns false if the store fails, because that is
     * no reason to cut a reader, and while another thread asks the store about this stream.
     *
     * @param position the {@link #position} of this feed
     * @param run identifies one pass over all feeds. In one pass the store is asked once for all readers of a stream at the same position
     */
    public abstract boolean hasMore(long position, Object run);

    /**
     * Checks that the stream is still kept and not shorter than what was read of it. Blocks until the store answers. {@link #gone} returns
     * the result.
     *
     * @param position the {@link #position} of this feed
     * @param run identifies one pass over all feeds. In one pass the store is asked once for all readers of a stream
     * @param now the time, in the milliseconds of {@link Feeds#now}
     * @param interval the least time between two checks of a stream, in milliseconds
     */
    public final void checkKept(long position, Object run, long now, long interval) {
        readers().check(access, position, run, now, interval);
    }

    /**
     * Returns the problem because of which the stream can never continue, if {@link #hasMore} or {@link #checkKept} has found one; else
     * null.
     */
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

    /** Notes that all bytes of some entries of the stream were written. Only for the thread that may ask for the next part. */
    final void delivered(long entries) {
        ObservedReader reader = observed;
        if (reader != null && entries > 0) {
            reader.delivered(entries);
        }
    }

    /** Notes that all bytes of a part were written. Only for the thread that may ask for the next part. */
    final void wroteWhole(SharedFrames.Part part) {
        delivered(part.last() - part.after());
        wroteLast(part.end());
    }

    /**
     * Notes that the last part was written, and why it is the last. Does nothing for null, which stands for a part that is not the last.
     */
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
     * Notes why the adapter is about to close this feed, for the {@link HandoffObserver}. An adapter calls this only for reasons that the
     * feed does not know: the client has left, is too slow, or cannot be served. Without such a call the reason comes from the last part
     * that was written, or else from an {@link #interrupt interruption}; if there is neither, the client has left.
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

    /** Releases the stream. An adapter calls this once after {@link #open}, even if {@code open} threw an exception. May call the store. */
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
