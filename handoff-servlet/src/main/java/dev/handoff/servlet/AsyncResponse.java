// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.check.Errors;
import dev.handoff.delivery.Feed;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An asynchronous response in the hands of its container, and the ways in which it ends: {@link #complete} if it is whole, {@link #abort}
 * if it must not look whole, and {@link #close} if the container ends it by itself. The feed is closed in each of them.
 */
final class AsyncResponse {

    /** The request attribute that makes a dispatch of the request abort it; its value is the response. */
    private static final String ABORT = AsyncResponse.class.getName() + ".abort";

    private static final Logger logger = LoggerFactory.getLogger(AsyncResponse.class);

    /**
     * Held while the objects of the container are used. The container needs it as well when it ends the request, since it may
     * give these objects to another request while a write that has failed is still under way.
     */
    final ReentrantLock turn = new ReentrantLock();

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final Feed feed;
    private final Container container;
    private final Runnable onClosed;

    private @Nullable AsyncContext async;

    // Only while the turn is held.
    private boolean closed;
    private boolean broken;
    /** Whether the container is still to abort the response, which the drain of the server waits for. */
    private boolean aborting;

    /**
     * A response that has not begun.
     *
     * @param container how this container aborts a response
     * @param onClosed runs when nothing more will be written; may run again
     */
    AsyncResponse(
            HttpServletRequest request,
            HttpServletResponse response,
            Feed feed,
            Container container,
            Runnable onClosed) {
        this.request = request;
        this.response = response;
        this.feed = feed;
        this.container = container;
        this.onClosed = onClosed;
    }

    /** Makes the request asynchronous. */
    void start() {
        async = request.startAsync(request, response);
    }

    /** Sets what the container calls when it ends the request. The response has no timeout of the container. */
    void listen(AsyncListener listener) {
        AsyncContext started = async;
        if (started != null) {
            started.setTimeout(0);
            started.addListener(listener);
        }
    }

    /** Returns whether something can be written. Called with the turn held. */
    boolean isOpen() {
        return !closed && !broken && async != null;
    }

    boolean isBroken() {
        return broken;
    }

    /** Writes nothing more. The connection is gone, and its watch is still to be closed. Called with the turn held. */
    void breakOff() {
        broken = true;
    }

    /** Runs a job on a thread of the container. Returns whether the container took it. Called with the turn held. */
    boolean lendThread(Runnable job) {
        AsyncContext started = async;
        if (closed || broken || started == null) {
            return false;
        }
        try {
            started.start(job);
            return true;
        } catch (RuntimeException e) {
            logger.debug("the container rejected a job", e);
            return false;
        }
    }

    /** Ends the response, which is whole. */
    void complete() {
        turn.lock();
        try {
            close();
            if (async != null) {
                async.complete();
            }
        } catch (RuntimeException e) {
            logger.debug("the container had already ended the response to a reader of stream {}", feed.streamId(), e);
        } finally {
            turn.unlock();
        }
    }

    /** Ends the response so that it does not look complete. On some containers this goes on in {@link #cut}. */
    void abort() {
        turn.lock();
        try {
            AsyncContext started = async;
            if (started == null || closed || broken) {
                // The container may have given its objects to another request.
                close();
                return;
            }
            aborting = true;
            close();
            if (container.abortsOnComplete(request, response)) {
                started.complete();
                // Jetty does not call the listeners of a response that it aborts.
                onClosed.run();
            } else {
                request.setAttribute(ABORT, this);
                started.dispatch();
            }
        } catch (RuntimeException e) {
            logger.debug("a reader of stream {} had left before its response could be aborted", feed.streamId(), e);
            onClosed.run();
        } finally {
            turn.unlock();
        }
    }

    /** Returns the response that a request was dispatched to {@linkplain #abort abort}; null if the request is another one. */
    static @Nullable AsyncResponse abortedBy(HttpServletRequest request) {
        return request.getAttribute(ABORT) instanceof AsyncResponse aborted ? aborted : null;
    }

    /**
     * Cuts the connection to the client. Called in the dispatch.
     *
     * @throws IOException for the container, which takes it for an order to cut
     */
    void cut(HttpServletRequest dispatched) throws IOException {
        turn.lock();
        try {
            aborting = false;
        } finally {
            turn.unlock();
        }
        try {
            container.abort(dispatched);
        } finally {
            onClosed.run();
        }
    }

    /** Writes nothing more, and lets go of the stream. */
    void close() {
        turn.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (!aborting) {
                onClosed.run();
            }
            feed.close();
        } catch (Throwable e) {
            // The response has to end in any case.
            logger.warn("the watch of stream {} could not be closed", feed.streamId(), e);
            Errors.rethrowFatal(e);
        } finally {
            turn.unlock();
        }
    }

    /** Closes for the last time. The container calls this when it ends the request. */
    void ended() {
        turn.lock();
        try {
            if (aborting) {
                aborting = false;
                container.abortUnreached(request);
            }
        } finally {
            turn.unlock();
        }
        close();
        onClosed.run();
    }
}
