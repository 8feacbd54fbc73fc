// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.check.Errors;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import dev.handoff.http.Problem;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection of one client that reads a stream: it decides when to write, and how the response ends. It consists of
 *
 * <ul>
 *   <li>{@link Turns}, by which the threads that want to write take turns, so that none waits for the client,
 *   <li>{@link Pump}, which writes while the socket takes more,
 *   <li>{@link WriteDeadline}, after which a client that takes nothing is cut off,
 *   <li>{@link StreamChecks}, which find what no hint has announced,
 *   <li>{@link AsyncResponse}, which ends the response: whole, or cut.
 * </ul>
 *
 * <p>The container calls {@link #onWritePossible} when the socket takes more, and the store calls {@link #hint} when the stream has more.
 * The timer calls {@link #onTick}, which runs neither code of the application nor of the store. If one of these has to run, it moves the
 * turn to a thread of the container.
 */
abstract class Connection implements WriteListener, AsyncListener {

    /** How long a client has to read the last event before the connection is aborted. */
    private static final long ABORT_PAUSE_MILLIS = 100;

    private static final Logger logger = LoggerFactory.getLogger(Connection.class);

    final HttpServletRequest request;
    final HttpServletResponse response;
    private final StreamingServer server;
    private final Feed feed;
    private final AsyncResponse async;
    private final Turns turns;
    private final WriteDeadline deadline;

    // Set by start(). A turn does nothing before the pump is set.
    private @Nullable Pump pump;
    private @Nullable StreamChecks checks;
    private @Nullable RequestDrain drain;

    private volatile boolean givenUp;
    /** Whether the pause between the last event and the abort is over. */
    private volatile boolean mayAbort;
    /** Guarded by the turn. */
    private boolean abortScheduled;

    Connection(StreamingServer server, Feed feed, HttpServletRequest request, HttpServletResponse response) {
        this.server = server;
        this.feed = feed;
        this.request = request;
        this.response = response;
        this.async = new AsyncResponse(request, response, feed, server.container(), () -> server.closed(this));
        this.turns = new Turns(async, this::takeTurn);
        this.deadline = new WriteDeadline(server::now, server.writeDeadlineMillis());
    }

    /** Sends the headers, if they do not wait for the body. */
    abstract void begin() throws IOException;

    /** Writes what comes next, if there is anything, in one call. Called when the socket takes it. */
    abstract Produced produce(OutputStream out) throws IOException;

    /** Called by the timer while the reader has caught up with the stream; must not call the application or the store. */
    void tick() throws IOException {}

    /** Returns whether a hint must move the turn to a thread of the container, because turns are slow. */
    boolean isSlow() {
        return false;
    }

    /** Called with the turn when the socket takes no more for now. */
    void onBlocked() {}

    /**
     * Watches the stream and begins the response. The thread of the request calls this as its last act.
     *
     * @throws RuntimeException if the store throws it; nothing has been sent then
     */
    final void start() {
        try {
            feed.open(this::hint);
            async.start();
        } catch (Throwable e) {
            async.close();
            throw e;
        }
        try {
            async.listen(this);
            begin();
            ServletOutputStream out = response.getOutputStream();
            Pump started = new Pump(this::produce, out, server.container().unbuffered(out), deadline);
            checks = new StreamChecks(async, started, turns, feed);
            pump = started;
            deadline.restart();
            server.opened(this);
            if (RequestDrain.hasBody(request)) {
                drain = new RequestDrain(request.getInputStream(), server::now, this::wakeFromContainer);
                request.getInputStream().setReadListener(drain);
            }
            out.setWriteListener(this);
        } catch (IOException e) {
            logger.debug("a reader of stream {} has left before it was served", streamId(), e);
            async.complete();
        } catch (Throwable e) {
            logger.warn("a reader of stream {} could not be served", streamId(), e);
            async.abort();
            Errors.rethrowFatal(e);
        }
    }

    private String streamId() {
        return feed.streamId();
    }

    final StreamingServer server() {
        return server;
    }

    // What the server calls

    /** Stops in mid-stream: sends the problem, if the client reads, and aborts. */
    final void interrupt(Problem problem) {
        feed.interrupt(problem);
        turns.elsewhere();
    }

    /** Interrupts a response of which nothing was written. */
    final void interruptAtOnce(Problem problem) {
        feed.interrupt(problem);
    }

    /** Aborts, whether the client reads or not. */
    final void giveUp() {
        givenUp = true;
        turns.elsewhere();
    }

    /** Checks deadlines and writes a heartbeat if it is time. Never blocks. */
    final void onTick(long now) {
        if (deadline.isOver(now)) {
            logger.debug("a reader of stream {} has taken nothing for {} ms", streamId(), deadline.blockedFor(now));
            feed.closesBecause(ReaderEnd.TOO_SLOW);
            givenUp = true;
        }
        Pump pump = this.pump;
        if (pump == null || !async.turn.tryLock()) {
            // Another thread has the turn; the next tick looks again.
            return;
        }
        boolean due;
        try {
            if (!async.isOpen()) {
                return;
            }
            // This also repeats a turn that was lost because the container took no job.
            boolean pending = feed.interruption() != null || pump.isPending();
            due = givenUp || (!deadline.isBlocked() && (pending || feed.isDue()));
            if (!due && pump.isCaughtUp()) {
                tick();
            }
        } catch (IOException e) {
            logger.debug("a reader of stream {} is gone", streamId(), e);
            // Closing the watch is a call of the store, so it does not run here.
            turns.lendThread(async::close);
            async.breakOff();
            return;
        } catch (Throwable e) {
            // An output of the application or the container may throw anything, and other readers have to get
            // heartbeats.
            Errors.rethrowFatal(e);
            logger.debug("a heartbeat to a reader of stream {} failed, the response is aborted", streamId(), e);
            pump.truncate();
            feed.closesBecause(ReaderEnd.CUT);
            givenUp = true;
            due = true;
        } finally {
            async.turn.unlock();
        }
        if (due) {
            turns.elsewhere();
        }
    }

    /** See {@link StreamChecks#look}. */
    final void look(Object run) {
        if (checks != null) {
            checks.look(run);
        }
    }

    /** See {@link StreamChecks#checkKept}. */
    final void checkKept(Object run, long now, long idleMillis) {
        if (checks != null) {
            checks.checkKept(run, now, idleMillis);
        }
    }

    /** Runs a job on a thread of the container, unless another thread has the turn. Returns whether the container took it. */
    final boolean lendThread(Runnable job) {
        return turns.lendThread(job);
    }

    // What happens in a turn

    /** Takes a turn in the thread that appends, unless an earlier turn was slow. */
    private void hint() {
        if (isSlow()) {
            turns.elsewhere();
        } else {
            turns.here();
        }
    }

    /** Called with the turn held. Returns whether another thread has taken over the turn. */
    private boolean takeTurn() {
        Pump pump = this.pump;
        if (pump == null || !async.isOpen()) {
            return false;
        }
        try {
            switch (pump.run()) {
                case CAUGHT_UP -> {}
                case BLOCKED -> {
                    if (givenUp) {
                        async.abort();
                    } else {
                        onBlocked();
                    }
                }
                case TURN_USED_UP -> {
                    if (async.lendThread(turns::take)) {
                        return true;
                    }
                    feed.closesBecause(ReaderEnd.CUT);
                    async.abort();
                }
                case COMPLETE -> {
                    if (givenUp || drain == null || drain.isOver(deadline.millis())) {
                        async.complete();
                    }
                }
                case TRUNCATED -> abortSoon();
            }
        } catch (IOException e) {
            // The client has left, and the container knows: it calls onError and ends the request, which may be that of
            // another client when it is touched after that.
            logger.debug("a reader of stream {} is gone", streamId(), e);
            feed.closesBecause(ReaderEnd.CLIENT_GONE);
            async.close();
        } catch (Throwable e) {
            feed.closesBecause(ReaderEnd.CUT);
            async.abort();
            // An error of the JVM is not thrown on, since Jetty would end the response as if it were complete.
            if (Errors.isFatal(e)) {
                logger.error("the response to a reader of stream {} failed and is aborted", streamId(), e);
            } else {
                logger.debug("the response to a reader of stream {} failed and is aborted", streamId(), e);
            }
        }
        return false;
    }

    /** Sends a few bytes if the socket takes them. Called while the turn is held. */
    final boolean send(FrameWriter frames) throws IOException {
        Pump pump = this.pump;
        return pump != null && pump.send(frames);
    }

    /**
     * Aborts after a pause. Some clients, among them that of the JDK, drop the bytes that they have received but not read when the
     * connection breaks, and with them the last event.
     */
    private void abortSoon() {
        if (mayAbort || givenUp) {
            async.abort();
        } else if (!abortScheduled) {
            abortScheduled = true;
            server.later(ABORT_PAUSE_MILLIS, () -> {
                mayAbort = true;
                turns.elsewhere();
            });
        }
    }

    // What the container calls

    @Override
    public final void onWritePossible() {
        deadline.unblock();
        wakeFromContainer();
    }

    /** Takes a turn in this thread, unless it serves the sockets of other clients. */
    private void wakeFromContainer() {
        if (server.container().callsOnIoThread()) {
            turns.offIoThread();
        } else {
            turns.here();
        }
    }

    @Override
    public final void onError(Throwable e) {
        logger.debug("a reader of stream {} is gone", streamId(), e);
        async.complete();
    }

    @Override
    public final void onError(AsyncEvent event) {
        onError(event.getThrowable());
    }

    @Override
    public final void onComplete(AsyncEvent event) {
        async.ended();
    }

    @Override
    public final void onTimeout(AsyncEvent event) {
        // There is no timeout, but a container may be set to insist on one.
        async.abort();
    }

    @Override
    public final void onStartAsync(AsyncEvent event) {}
}
