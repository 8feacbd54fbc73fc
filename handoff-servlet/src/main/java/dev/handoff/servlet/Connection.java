package dev.handoff.servlet;

import dev.handoff.EventStream;
import dev.handoff.StreamAccess;
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
 * One client that reads a stream. Whoever has news for it calls {@link #wake}: the container when the socket takes more, the
 * writer of the stream, the timer. They take turns, so that everything below {@link #step} is done by one thread at a time,
 * and none of them ever waits for the client.
 */
abstract class Connection implements WriteListener, AsyncListener {

    /** What {@link #produce} did. */
    enum Produced {
        /** Nothing is there to be written. */
        NOTHING,
        /** A part was written, and there may be more. */
        PART,
        /** A part was written, and when it was put together there was no more: whoever has more will call. */
        ALL,
        /** The last part was written, and the answer is whole. */
        LAST,
        /** The last part was written, and the answer is not whole. */
        CUT
    }

    /** How much one thread writes before it lets another go on, since it may be the one that has to write the stream. */
    private static final int MAX_PARTS_PER_TURN = 8;

    private static final long NEVER = Long.MIN_VALUE;

    private static final Logger logger = LoggerFactory.getLogger(Connection.class);

    final HttpServletResponse response;
    private final HttpServletRequest request;
    private final StreamAccess access;
    private final EventStreamServlet servlet;
    private final AsyncContext async;
    private final ServletOutputStream out;
    private final OutputStream unbuffered;
    private final AtomicInteger wakeUps = new AtomicInteger();
    /**
     * Held while the container's objects are touched. Who takes turns need not wait for it; but the container, when it ends the
     * request, does: it might give these objects to another client while a write that has failed is still on its way out.
     */
    private final ReentrantLock turn = new ReentrantLock();

    /** Whether the socket has to be waited for: until the container calls for the first time, and when it is full. */
    private volatile boolean blocked = true;

    private volatile boolean interrupted;
    private volatile boolean givenUp;
    private volatile boolean closed;
    /** Since when, by the servlet's clock. */
    private volatile long blockedSince;

    private EventStream.@Nullable Watch watch;
    private @Nullable RequestDrain drain;

    // Only in step().
    private boolean unflushed;
    private @Nullable Produced last;
    private long lastPartAt = NEVER;

    Connection(
            EventStreamServlet servlet, StreamAccess access, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        this.servlet = servlet;
        this.access = access;
        this.request = request;
        this.response = response;
        this.async = request.startAsync(request, response);
        this.out = response.getOutputStream();
        this.unbuffered = servlet.container().unbuffered(out);
        this.blockedSince = servlet.now();
    }

    /** Writes what there is, in one call, if there is anything. Called when the socket takes it. */
    abstract Produced produce(OutputStream out) throws IOException;

    /** Called once a second or so. */
    abstract void tick(long now);

    /** Called once, when nothing will be written any more. */
    void onClose() {}

    /** To be called by the thread of the request, as its last act. */
    final void start() {
        servlet.opened(this);
        try {
            async.setTimeout(0);
            async.addListener(this);
            watch = access.stream().watch(this::wake);
            if (RequestDrain.hasBody(request)) {
                drain = new RequestDrain(request.getInputStream(), this::wake);
                request.getInputStream().setReadListener(drain);
            }
            out.setWriteListener(this);
        } catch (IOException | RuntimeException e) {
            logger.warn("a reader of stream {} could not be served", streamId(), e);
            abort();
        }
    }

    final String streamId() {
        return access.grant().streamId();
    }

    final EventStreamServlet servlet() {
        return servlet;
    }

    final StreamAccess access() {
        return access;
    }

    final long now() {
        return servlet.now();
    }

    /** Stops in mid-stream: says so, if the client reads, and aborts. */
    final void interrupt() {
        interrupted = true;
        wake();
    }

    final boolean interrupted() {
        return interrupted;
    }

    /** Aborts, whether the client reads or not. */
    final void giveUp() {
        givenUp = true;
        wake();
    }

    final void onTick(long now) {
        if (blocked && now - blockedSince >= servlet.writeDeadlineMillis()) {
            logger.debug("a reader of stream {} has taken nothing for {} ms", streamId(), now - blockedSince);
            givenUp = true;
        }
        tick(now);
        wake();
    }

    final void wake() {
        if (wakeUps.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            step();
            seen = wakeUps.addAndGet(-seen);
        } while (seen != 0);
    }

    private void step() {
        turn.lock();
        try {
            if (!closed) {
                takeTurn();
            }
        } finally {
            turn.unlock();
        }
    }

    private void takeTurn() {
        try {
            int parts = 0;
            // Whoever called may have more.
            boolean all = false;
            while (isReady()) {
                if (unflushed) {
                    unflushed = false;
                    out.flush();
                } else if (all) {
                    return;
                } else if (last == Produced.LAST) {
                    if (isBodyDrained()) {
                        leave();
                    }
                    return;
                } else if (last == Produced.CUT) {
                    abort();
                    return;
                } else if (parts == MAX_PARTS_PER_TURN) {
                    async.start(this::wake);
                    return;
                } else {
                    Produced produced = produce(unbuffered);
                    if (produced == Produced.NOTHING) {
                        return;
                    }
                    if (produced == Produced.LAST || produced == Produced.CUT) {
                        last = produced;
                    }
                    all = produced == Produced.ALL;
                    parts++;
                    if (unbuffered == out) {
                        unflushed = true;
                    } else if (all) {
                        // This container sends the rest by itself. Others have to be asked whether they are ready.
                        return;
                    }
                }
            }
            if (givenUp) {
                abort();
            }
        } catch (IOException e) {
            // The client has left, and the container knows: it calls onError and ends the request, which may be that of
            // another client when it is touched after that.
            logger.debug("a reader of stream {} is gone", streamId(), e);
            close();
        } catch (RuntimeException | Error e) {
            logger.debug("a reader of stream {} had to be cut off", streamId(), e);
            abort();
        }
    }

    /**
     * Some containers close the connection under a client that still sends, which then loses the answer. One that takes its
     * time is waited for as long as one that does not read.
     */
    private boolean isBodyDrained() {
        RequestDrain body = drain;
        if (body == null || body.ended() || givenUp) {
            return true;
        }
        if (lastPartAt == NEVER) {
            lastPartAt = now();
        }
        return now() - lastPartAt >= servlet.writeDeadlineMillis();
    }

    /** Asks once: when the answer was no, the container will call, and must not be asked again before. */
    private boolean isReady() {
        if (blocked) {
            return false;
        }
        // Set first, since the container may call before isReady() has returned.
        blockedSince = now();
        blocked = true;
        if (!out.isReady()) {
            return false;
        }
        blocked = false;
        return true;
    }

    /** Ends the answer so that it does not look like a whole one; goes on in {@link Container#abort}. */
    private void abort() {
        turn.lock();
        try {
            close();
            request.setAttribute(EventStreamServlet.ABORT, true);
            async.dispatch();
        } catch (RuntimeException e) {
            logger.debug("a reader of stream {} was gone before it could be cut off", streamId(), e);
        } finally {
            turn.unlock();
        }
    }

    private void leave() {
        turn.lock();
        try {
            close();
            async.complete();
        } catch (RuntimeException e) {
            logger.debug("the container has let go of a reader of stream {} before", streamId(), e);
        } finally {
            turn.unlock();
        }
    }

    private void close() {
        if (!closed) {
            closed = true;
            EventStream.Watch open = watch;
            if (open != null) {
                open.close();
            }
            servlet.closed(this);
            onClose();
        }
    }

    @Override
    public final void onWritePossible() {
        blocked = false;
        wake();
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
        turn.lock();
        try {
            close();
        } finally {
            turn.unlock();
        }
    }

    @Override
    public final void onTimeout(AsyncEvent event) {
        // There is no timeout, but a container may be set to insist on one.
        abort();
    }

    @Override
    public final void onStartAsync(AsyncEvent event) {}
}
