// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.check.Errors;
import dev.handoff.delivery.Feed;
import dev.handoff.http.Problem;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The response to one client that reads a stream. The writer of the stream, the executor and the event loop take turns: one thread at a time
 * has the turn and produces what comes next. A thread that comes meanwhile leaves a wake-up, and the thread that has the turn looks again.
 * The event loop never takes a turn, because a turn calls the store and the format. It writes what a turn has produced.
 */
abstract class StreamResponse implements Response {

    private static final Logger logger = LoggerFactory.getLogger(StreamResponse.class);
    private static final VarHandle WAKE_UPS;

    static {
        try {
            WAKE_UPS = MethodHandles.lookup().findVarHandle(StreamResponse.class, "wakeUps", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final Responses responses;
    final RequestHandler handler;
    private final Feed feed;

    /** How many wake-ups are not settled. The thread that counts the first one takes the turn. */
    @SuppressWarnings("unused")
    private volatile int wakeUps;

    /** Whether the feed is open and the response may produce. */
    private volatile boolean started;
    /** Whether the response has ended, so that the next turn closes the feed. */
    private volatile boolean closing;
    /** Whether a turn was lost because the executor took no job. The next tick tries again. */
    private volatile boolean lost;

    // Only with the turn.
    private boolean closed;
    /** Whether the last part was produced. */
    boolean done;
    /** How many parts the thread that has the turn has produced. */
    int parts;
    /** Whether there was nothing more to produce at the end of the last turn. */
    boolean caughtUp;

    StreamResponse(Responses responses, RequestHandler handler, Feed feed) {
        this.responses = responses;
        this.handler = handler;
        this.feed = feed;
    }

    /** Produces what comes next. Called with the turn. Returns whether another thread has taken over the turn. */
    abstract boolean produce();

    /** Begins the response. Called on the event loop, while the connection is open. */
    abstract void begin();

    /** Returns whether a hint must not produce in its own thread, because turns are slow. */
    boolean isSlow() {
        return false;
    }

    /**
     * Watches the stream and begins the response. Called on the executor.
     *
     * @throws Throwable if the store fails; nothing has been sent then
     */
    final void start() {
        try {
            feed.open(this::hint);
        } catch (Throwable e) {
            closing = true;
            here();
            throw e;
        }
        responses.opened(this);
        handler.onLoop(
                () -> {
                    if (handler.begins(this)) {
                        begin();
                    } else {
                        end();
                    }
                },
                this::end);
        started = true;
        here();
    }

    final String streamId() {
        return feed.streamId();
    }

    // Turns

    private void hint() {
        if (isSlow()) {
            elsewhere();
        } else {
            here();
        }
    }

    /** Takes a turn in this thread, or lets the thread that has the turn look again. */
    private void here() {
        if ((int) WAKE_UPS.getAndAdd(this, 1) == 0) {
            take();
        }
    }

    /** Takes a turn on the executor. If it takes no job, the next tick tries again. */
    final void elsewhere() {
        if ((int) WAKE_UPS.getAndAdd(this, 1) == 0) {
            lend();
        }
    }

    private void lend() {
        if (!handOver()) {
            lost = true;
            WAKE_UPS.setVolatile(this, 0);
        }
    }

    /** Gives the turn to a thread of the executor. Returns false if that takes no job; the caller still has the turn then. */
    final boolean handOver() {
        try {
            responses.executor().execute(this::take);
            return true;
        } catch (RejectedExecutionException e) {
            logger.debug("the executor rejected a turn of stream {}", streamId(), e);
            return false;
        }
    }

    /** Takes turns until all wake-ups are settled. */
    private void take() {
        parts = 0;
        int seen = 1;
        do {
            if (turn()) {
                return;
            }
            seen = (int) WAKE_UPS.getAndAdd(this, -seen) - seen;
        } while (seen != 0);
    }

    private boolean turn() {
        if (closing) {
            close();
            return false;
        }
        if (!started || done) {
            return false;
        }
        try {
            return produce();
        } catch (Throwable e) {
            logger.error("the response to a reader of stream {} failed and is aborted", streamId(), e);
            done = true;
            feed.closesBecause(ReaderEnd.CUT);
            giveUp();
            return false;
        }
    }

    private void close() {
        if (closed) {
            return;
        }
        closed = true;
        responses.closed(this);
        try {
            feed.close();
        } catch (Throwable e) {
            logger.warn("the watch of stream {} could not be closed", streamId(), e);
            Errors.rethrowFatal(e);
        }
    }

    // Called by the event loop

    /** Notes that nothing more is written, and lets go of the stream on the executor. */
    final void end() {
        closing = true;
        elsewhere();
    }

    final boolean hasEnded() {
        return closing;
    }

    @Override
    public boolean belongsTo(StreamResponse stream) {
        return stream == this;
    }

    @Override
    public void tooSlow() {
        logger.debug("a reader of stream {} has taken nothing until the write deadline", streamId());
        feed.closesBecause(ReaderEnd.TOO_SLOW);
    }

    @Override
    public void onClosed() {
        if (!closing) {
            end();
        }
    }

    @Override
    public void onTick() {
        if (lost || feed.isDue()) {
            lost = false;
            elsewhere();
        }
    }

    // Called by the server

    /** Stops in mid-stream: sends the problem, if the client reads, and aborts. */
    final void interrupt(Problem problem) {
        feed.interrupt(problem);
        elsewhere();
    }

    /** Aborts, whether the client reads or not. */
    final void giveUp() {
        handler.onLoop(
                () -> {
                    if (!closing) {
                        handler.abort(this);
                        onClosed();
                    }
                },
                this::end);
    }

    /** Reads the stream again in case a hint was lost. Blocks for as long as the store takes. */
    final void look(Object run) {
        if (closing && lost) {
            lost = false;
            elsewhere();
        }
        long after = positionIfIdle(Long.MAX_VALUE);
        if (after == Long.MIN_VALUE) {
            return;
        }
        if (feed.hasMore(after, run)) {
            elsewhere();
        }
        interruptIfGone();
    }

    /** Checks that the stream is still kept, if nothing of it was delivered for a time. Blocks for as long as the store takes. */
    final void checkKept(Object run, long now, long idleMillis) {
        long seen = positionIfIdle(now - idleMillis);
        if (seen != Long.MIN_VALUE) {
            feed.checkKept(seen, run, now, idleMillis);
            interruptIfGone();
        }
    }

    /**
     * Returns the position of a reader that has caught up, and to which nothing was delivered since a time; {@code Long.MIN_VALUE} for another
     * reader.
     */
    private long positionIfIdle(long since) {
        if (!WAKE_UPS.compareAndSet(this, 0, 1)) {
            return Long.MIN_VALUE;
        }
        boolean idle = started && !closing && !done && caughtUp && feed.deliveredAt() <= since;
        long position = idle ? feed.position() : Long.MIN_VALUE;
        if ((int) WAKE_UPS.getAndAdd(this, -1) != 1) {
            lend();
        }
        return position;
    }

    private void interruptIfGone() {
        Problem gone = feed.gone();
        if (gone != null) {
            interrupt(gone);
        }
    }
}
