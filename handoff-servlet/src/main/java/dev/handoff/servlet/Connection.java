package dev.handoff.servlet;

import dev.handoff.check.Errors;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import dev.handoff.http.Problem;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The response to one client that reads a stream. The container calls {@link #wake} when the socket takes more, and the store
 * calls {@link #hint} when the stream has more. Threads take turns: {@link #produce} is run by one thread at a time, and no
 * thread waits for the client.
 *
 * <p>The timer calls {@link #onTick}, which runs neither code of the application nor of the store. If one of these has to run,
 * it moves the turn to a thread of the container.
 */
abstract class Connection implements WriteListener, AsyncListener {

    /** What a connection needs of the server that it belongs to. */
    interface Server {

        /** Is called when a response has begun. */
        void opened(Connection connection);

        /** Is called when nothing more will be written; may be called again. */
        void closed(Connection connection);

        /** Runs an action after a time, on the timer. */
        void later(long millis, Runnable action);

        /** Returns the time in milliseconds of the ticker. */
        long now();

        /** Returns how long a client may take nothing before it is cut off, in milliseconds. */
        long writeDeadlineMillis();

        Container container();
    }

    /** The request attribute that makes a dispatch of the request abort it; its value is the connection. */
    static final String ABORT = Connection.class.getName() + ".abort";

    /**
     * How many parts one turn writes before another thread goes on, because the thread may be the one that appends to the
     * stream.
     */
    private static final int MAX_PARTS_PER_TURN = 8;

    /** How long a response that is complete waits for a request body of which nothing arrives. */
    private static final long BODY_PATIENCE_MILLIS = 1000;

    /** How long a client has to read the last event before the connection is aborted. */
    private static final long ABORT_PAUSE_MILLIS = 100;

    private static final long NEVER = Long.MIN_VALUE;

    private static final Logger logger = LoggerFactory.getLogger(Connection.class);

    final HttpServletRequest request;
    final HttpServletResponse response;
    private final Server server;
    private final Feed feed;
    private final AtomicInteger wakeUps = new AtomicInteger();
    /**
     * Held while the objects of the container are used. The container needs it as well when it ends the request, since it may
     * give these objects to another request while a write that has failed is still under way.
     */
    private final ReentrantLock turn = new ReentrantLock();

    // Set by start(). A turn does nothing until all of them are set.
    private @Nullable AsyncContext async;
    private @Nullable ServletOutputStream out;
    private @Nullable OutputStream unbuffered;

    private @Nullable RequestDrain drain;

    /** Whether the socket takes nothing: until the container calls for the first time, and when it is full. */
    private volatile boolean blocked = true;
    /** Since when, in milliseconds. */
    private volatile long blockedSince;

    private volatile boolean givenUp;
    /** Whether the pause between the last event and the abort is over. */
    private volatile boolean mayAbort;

    // Only while the turn is held.
    private boolean closed;
    private boolean abortScheduled;
    /** Whether the container is still to abort the response, which the drain of the server waits for. */
    private boolean aborting;

    private boolean broken;
    private boolean caughtUp;
    private boolean unflushed;
    private @Nullable Produced last;
    private long lastPartAt = NEVER;

    Connection(Server server, Feed feed, HttpServletRequest request, HttpServletResponse response) {
        this.server = server;
        this.feed = feed;
        this.request = request;
        this.response = response;
        this.blockedSince = server.now();
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
            async = request.startAsync(request, response);
        } catch (Throwable e) {
            close();
            throw e;
        }
        try {
            async.setTimeout(0);
            async.addListener(this);
            begin();
            out = response.getOutputStream();
            unbuffered = server.container().unbuffered(out);
            blockedSince = server.now();
            server.opened(this);
            if (RequestDrain.hasBody(request)) {
                drain = new RequestDrain(request.getInputStream(), server::now, this::wakeFromContainer);
                request.getInputStream().setReadListener(drain);
            }
            out.setWriteListener(this);
        } catch (IOException e) {
            logger.debug("a reader of stream {} has left before it was served", streamId(), e);
            leave();
        } catch (Throwable e) {
            logger.warn("a reader of stream {} could not be served", streamId(), e);
            abort();
            Errors.rethrowFatal(e);
        }
    }

    private String streamId() {
        return feed.streamId();
    }

    final Server server() {
        return server;
    }

    /** Stops in mid-stream: sends the problem, if the client reads, and aborts. */
    final void interrupt(Problem problem) {
        feed.interrupt(problem);
        wakeElsewhere();
    }

    /** Interrupts a response of which nothing was written. */
    final void interruptAtOnce(Problem problem) {
        feed.interrupt(problem);
    }

    /** Aborts, whether the client reads or not. */
    final void giveUp() {
        givenUp = true;
        wakeElsewhere();
    }

    /** Checks deadlines and writes a heartbeat if it is time. Never blocks. */
    final void onTick(long now) {
        if (blocked && now - blockedSince >= server.writeDeadlineMillis()) {
            logger.debug("a reader of stream {} has taken nothing for {} ms", streamId(), now - blockedSince);
            feed.closesBecause(ReaderEnd.TOO_SLOW);
            givenUp = true;
        }
        if (!turn.tryLock()) {
            // Another thread has the turn; the next tick looks again.
            return;
        }
        boolean due;
        try {
            if (closed || broken) {
                return;
            }
            // This also repeats a turn that was lost because the container took no job.
            boolean pending = feed.interruption() != null || last != null || !caughtUp || unflushed;
            due = givenUp || (!blocked && (pending || feed.isDue()));
            if (!due && caughtUp) {
                tick();
            }
        } catch (IOException e) {
            logger.debug("a reader of stream {} is gone", streamId(), e);
            // Closing the watch is a call of the store, so it does not run here.
            lendThread(this::close);
            broken = true;
            return;
        } catch (Throwable e) {
            // An output of the application or the container may throw anything, and other readers have to get
            // heartbeats.
            Errors.rethrowFatal(e);
            logger.debug("a reader of stream {} has to be cut off", streamId(), e);
            last = Produced.TRUNCATED;
            feed.closesBecause(ReaderEnd.CUT);
            givenUp = true;
            due = true;
        } finally {
            turn.unlock();
        }
        if (due) {
            wakeElsewhere();
        }
    }

    /**
     * Reads the stream again in case a hint was lost, and closes a broken connection that the container has not closed.
     * Blocks for as long as the store takes.
     *
     * @param run identifies the run of the job
     */
    final void look(Object run) {
        long after;
        if (!turn.tryLock()) {
            return;
        }
        try {
            if (broken) {
                // The container took no job when that was noticed.
                close();
            }
            if (closed || !caughtUp) {
                return;
            }
            after = feed.position();
        } finally {
            turn.unlock();
        }
        if (feed.hasMore(after, run)) {
            wakeElsewhere();
        }
        interruptIfGone();
    }

    /**
     * Checks that the stream is still kept, if nothing of it was delivered for a time. Blocks for as long as the store
     * takes.
     *
     * @param run identifies the run of the job
     * @param now the time in milliseconds
     * @param idleMillis for how long nothing was delivered, and the least time between two checks of a stream
     */
    final void checkIdle(Object run, long now, long idleMillis) {
        long seen;
        if (!turn.tryLock()) {
            return;
        }
        try {
            if (closed || broken || !caughtUp || now - feed.deliveredAt() < idleMillis) {
                return;
            }
            seen = feed.position();
        } finally {
            turn.unlock();
        }
        feed.checkKept(seen, run, now, idleMillis);
        interruptIfGone();
    }

    private void interruptIfGone() {
        Problem gone = feed.gone();
        if (gone != null) {
            interrupt(gone);
        }
    }

    /** Runs a job on a thread of the container, unless another thread has the turn. Returns whether the container took it. */
    final boolean lendThread(Runnable job) {
        return turn.tryLock() && lend(job);
    }

    /** As {@link #lendThread}, but waits for the turn. The caller must hold nothing that a turn may wait for. */
    private boolean lendThreadWaiting(Runnable job) {
        turn.lock();
        return lend(job);
    }

    /** Called with the turn held, and releases it. */
    private boolean lend(Runnable job) {
        try {
            if (closed || broken || async == null) {
                return false;
            }
            async.start(job);
            return true;
        } catch (RuntimeException e) {
            logger.debug("the container did not take a job", e);
            return false;
        } finally {
            turn.unlock();
        }
    }

    /** Takes a turn in the thread that appends, unless an earlier turn was slow. */
    private void hint() {
        if (isSlow()) {
            wakeElsewhere();
        } else {
            wake();
        }
    }

    /** Takes a turn in this thread, or lets the thread that has the turn look again. */
    final void wake() {
        if (wakeUps.getAndIncrement() == 0) {
            takeTurns();
        }
    }

    /** Takes a turn on a thread of the container. If the container takes none, the next tick tries again. */
    private void wakeElsewhere() {
        if (wakeUps.getAndIncrement() == 0 && !lendThread(this::takeTurns)) {
            wakeUps.set(0);
        }
    }

    private void takeTurns() {
        // A thread that the application has interrupted could not write: some containers see it in a blocking wait.
        boolean interrupted = Thread.interrupted();
        try {
            int seen = 1;
            do {
                if (step()) {
                    // Another thread goes on, and settles the wake-ups.
                    return;
                }
                seen = wakeUps.addAndGet(-seen);
            } while (seen != 0);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns whether another thread has taken over the turn. */
    private boolean step() {
        turn.lock();
        try {
            return !closed
                    && !broken
                    && out != null
                    && unbuffered != null
                    && async != null
                    && takeTurn(out, unbuffered, async);
        } finally {
            turn.unlock();
        }
    }

    /** Returns whether another thread has taken over the turn. */
    private boolean takeTurn(ServletOutputStream out, OutputStream unbuffered, AsyncContext async) {
        try {
            int parts = 0;
            // The caller may know of more, so the stream is read at least once.
            boolean all = false;
            while (isReady(out)) {
                if (unflushed) {
                    unflushed = false;
                    out.flush();
                } else if (all) {
                    return false;
                } else if (last == Produced.LAST) {
                    if (isBodyDrained()) {
                        leave();
                    }
                    return false;
                } else if (last == Produced.TRUNCATED) {
                    abortSoon();
                    return false;
                } else if (parts == MAX_PARTS_PER_TURN) {
                    async.start(this::takeTurns);
                    return true;
                } else {
                    caughtUp = false;
                    Produced produced = produce(unbuffered);
                    if (produced == Produced.NOTHING) {
                        caughtUp = true;
                        return false;
                    }
                    if (produced == Produced.LAST || produced == Produced.TRUNCATED) {
                        last = produced;
                    }
                    all = produced == Produced.CAUGHT_UP;
                    caughtUp = all;
                    parts++;
                    if (unbuffered == out) {
                        unflushed = true;
                    } else if (all) {
                        // This container sends the rest by itself. Others have to be asked whether they are ready.
                        return false;
                    }
                }
            }
            if (givenUp) {
                abort();
            } else {
                onBlocked();
            }
        } catch (IOException e) {
            // The client has left, and the container knows: it calls onError and ends the request, which may be that of
            // another client when it is touched after that.
            logger.debug("a reader of stream {} is gone", streamId(), e);
            feed.closesBecause(ReaderEnd.CLIENT_GONE);
            close();
        } catch (Throwable e) {
            feed.closesBecause(ReaderEnd.CUT);
            abort();
            // An error of the JVM is not thrown on, since Jetty would end the response as if it were complete.
            if (Errors.isFatal(e)) {
                logger.error("a reader of stream {} had to be cut off", streamId(), e);
            } else {
                logger.debug("a reader of stream {} had to be cut off", streamId(), e);
            }
        }
        return false;
    }

    /** Sends a few bytes if the socket takes them. Called while the turn is held. */
    final boolean send(FrameWriter frames) throws IOException {
        ServletOutputStream out = this.out;
        OutputStream unbuffered = this.unbuffered;
        if (out == null || unbuffered == null || unflushed || !isReady(out)) {
            return false;
        }
        frames.writeTo(unbuffered);
        if (unbuffered == out) {
            unflushed = true;
            if (isReady(out)) {
                unflushed = false;
                out.flush();
                isReady(out);
            }
        }
        return true;
    }

    /**
     * Returns whether nothing more has to be read of the request body. Some containers close the connection of a client that
     * still sends, which then loses the response. A client that makes progress is waited for until the write deadline.
     */
    private boolean isBodyDrained() {
        RequestDrain body = drain;
        if (body == null || body.ended() || givenUp) {
            return true;
        }
        long now = server.now();
        if (lastPartAt == NEVER) {
            lastPartAt = now;
        }
        return now - lastPartAt >= server.writeDeadlineMillis()
                || now - Math.max(lastPartAt, body.progressAt()) >= BODY_PATIENCE_MILLIS;
    }

    /** Asks the container once: after it has said no it calls {@link #onWritePossible}, and must not be asked before. */
    private boolean isReady(ServletOutputStream out) {
        if (blocked) {
            return false;
        }
        // Set first, since the container may call before isReady() has returned.
        blockedSince = server.now();
        blocked = true;
        if (!out.isReady()) {
            return false;
        }
        blocked = false;
        return true;
    }

    /**
     * Aborts after a pause. Some clients, among them that of the JDK, drop the bytes that they have received but not read when the
     * connection breaks, and with them the last event.
     */
    private void abortSoon() {
        if (mayAbort || givenUp) {
            abort();
        } else if (!abortScheduled) {
            abortScheduled = true;
            server.later(ABORT_PAUSE_MILLIS, () -> {
                mayAbort = true;
                wakeElsewhere();
            });
        }
    }

    /** Ends the response so that it does not look complete; goes on in {@link Container#abort}. */
    private void abort() {
        turn.lock();
        try {
            aborting = async != null;
            close();
            request.setAttribute(ABORT, this);
            if (async != null) {
                async.dispatch();
            }
        } catch (RuntimeException e) {
            logger.debug("a reader of stream {} was gone before it could be cut off", streamId(), e);
            server.closed(this);
        } finally {
            turn.unlock();
        }
    }

    private void leave() {
        turn.lock();
        try {
            close();
            if (async != null) {
                async.complete();
            }
        } catch (RuntimeException e) {
            logger.debug("the container has let go of a reader of stream {} before", streamId(), e);
        } finally {
            turn.unlock();
        }
    }

    private void close() {
        turn.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (!aborting) {
                server.closed(this);
            }
            feed.close();
        } catch (Throwable e) {
            // The response has to end in any case.
            logger.warn("the watch of stream {} could not be closed", streamId(), e);
            Errors.rethrowFatal(e);
        } finally {
            turn.unlock();
        }
    }

    @Override
    public final void onWritePossible() {
        blocked = false;
        wakeFromContainer();
    }

    /** Takes a turn in this thread, unless it serves the sockets of other clients. */
    private void wakeFromContainer() {
        if (!server.container().callsOnIoThread()) {
            wake();
        } else if (wakeUps.getAndIncrement() == 0 && !lendThreadWaiting(this::takeTurns)) {
            takeTurns();
        }
    }

    @Override
    public final void onError(Throwable e) {
        logger.debug("a reader of stream {} is gone", streamId(), e);
        leave();
    }

    @Override
    public final void onError(AsyncEvent event) {
        onError(event.getThrowable());
    }

    @Override
    public final void onComplete(AsyncEvent event) {
        close();
        server.closed(this);
    }

    @Override
    public final void onTimeout(AsyncEvent event) {
        // There is no timeout, but a container may be set to insist on one.
        abort();
    }

    @Override
    public final void onStartAsync(AsyncEvent event) {}
}
