// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the behaviour that the Servlet specification does not define, one constant per container.
 *
 * <p>The main case is the abort of a response that has begun, so that no client mistakes a part for the whole. The specification has no
 * call for an abort. {@link #abortsOnComplete} makes a container close the connection, or reset the stream over HTTP/2, when the response
 * completes. Where this is not possible, {@link AsyncResponse} dispatches the request back to the servlet, which calls {@link #abort}. The
 * contract tests in handoff-testkit test each container over HTTP/1.1 and HTTP/2, and with filters that hide exceptions.
 */
enum Container {
    /** Aborts a response that completes before all announced bytes are written. Also closes the connection when a dispatch throws. */
    JETTY("org.eclipse.jetty.io.EofException") {
        @Override
        void prepare(HttpServletRequest request, HttpServletResponse response) {
            announceChunks(request, response);
        }

        @Override
        OutputStream unbuffered(ServletOutputStream out) {
            MethodHandle write = WRITES_AT_ONCE.get(out.getClass());
            return write == null ? out : new UnbufferedOutput(out, write);
        }

        @Override
        boolean abortsOnComplete(HttpServletRequest request, HttpServletResponse response) {
            return ContainerInternals.announceMoreToJetty(response);
        }
    },

    /**
     * Has an action that closes the connection, which must run in a dispatch. Also closes the connection when a dispatch throws, unless a
     * filter catches the exception.
     */
    TOMCAT("org.apache.catalina.connector.ClientAbortException") {
        @Override
        void abort(HttpServletRequest request) throws IOException {
            if (!ContainerInternals.closeOnTomcat(request)) {
                super.abort(request);
            }
        }

        @Override
        void abortUnreached(HttpServletRequest request) {
            // Tomcat ends the response after it has called the listeners.
            ContainerInternals.closeOnTomcat(request);
        }
    },

    /**
     * Lets any thread close the connection, or reset the stream over HTTP/2. It does the same when a request times out, but it ends the
     * response cleanly when a dispatch throws. The stream of a request that upgraded the connection to HTTP/2 needs another method.
     */
    UNDERTOW(null) {
        @Override
        void prepare(HttpServletRequest request, HttpServletResponse response) {
            announceChunks(request, response);
            // If the socket does not take a whole flush, Undertow keeps the rest in this buffer and reports success.
            response.setBufferSize(1);
        }

        @Override
        boolean callsOnIoThread() {
            return true;
        }

        @Override
        void requireReset(HttpServletRequest request) {
            if (hasUpgraded(request) && ContainerInternals.resetOnUndertow(request) == null) {
                throw ProblemCode.HTTP_VERSION_NOT_SUPPORTED.exception(
                        "This server cannot reset a stream that upgrades the connection to HTTP/2. Use HTTP/1.1, or HTTP/2"
                                + " without an upgrade.");
            }
        }

        @Override
        boolean abortsOnComplete(HttpServletRequest request, HttpServletResponse response) {
            return ContainerInternals.closeOnUndertow(request, hasUpgraded(request));
        }

        @Override
        void abort(HttpServletRequest request) {
            AsyncContext async = request.startAsync();
            async.setTimeout(1);
        }
    },

    /** A container that no contract test covers. A dispatch that throws is the best guess. */
    OTHER(null);

    private static final Logger logger = LoggerFactory.getLogger(Container.class);

    /**
     * Finds the method {@code write(ByteBuffer)} of Jetty's output. The Servlet API has it only since 6.1. Jetty sends the bytes without a
     * flush and without a buffer. A buffer would stay allocated until the response ends.
     */
    private static final ClassValue<@Nullable MethodHandle> WRITES_AT_ONCE = new ClassValue<>() {
        @Override
        protected @Nullable MethodHandle computeValue(Class<?> type) {
            // A wrapper of another package may give the method another meaning.
            if (!type.getName().startsWith("org.eclipse.jetty.")) {
                return null;
            }
            try {
                return MethodHandles.publicLookup()
                        .findVirtual(type, "write", MethodType.methodType(void.class, ByteBuffer.class))
                        .asType(MethodType.methodType(void.class, ServletOutputStream.class, ByteBuffer.class));
            } catch (ReflectiveOperationException e) {
                logger.debug("{} has no method write(ByteBuffer), so each write is flushed", type, e);
                return null;
            }
        }
    };

    private final @Nullable String quietException;

    Container(@Nullable String quietException) {
        this.quietException = quietException;
    }

    static Container of(ServletContext context) {
        // A server built on one of these may report its own name, but the class names stay.
        String info = (context.getServerInfo() + ' ' + context.getClass().getName()).toLowerCase(Locale.ROOT);
        if (info.contains("jetty")) {
            return JETTY;
        }
        if (info.contains("tomcat") || info.contains("org.apache.catalina")) {
            return TOMCAT;
        }
        if (info.contains("undertow")) {
            return UNDERTOW;
        }
        logger.warn("handoff is not tested with {}, which may be unable to abort a response that has begun", info);
        return OTHER;
    }

    /** Returns the charset of forms that name none: ISO 8859-1 by the Servlet specification (6.0, section 3.12), UTF-8 on Jetty. */
    Charset formCharset() {
        return this == JETTY ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
    }

    /** Prepares a response so that it can be aborted. Must be called before the first write. */
    void prepare(HttpServletRequest request, HttpServletResponse response) {}

    /**
     * Makes the container send chunks over HTTP/1.1. Without chunks Jetty and Undertow end the response by closing the connection if the
     * client asked for that. The client could then not tell an abort from a complete response. Tomcat always sends chunks.
     */
    private static void announceChunks(HttpServletRequest request, HttpServletResponse response) {
        if (request.getProtocol().equals("HTTP/1.1")) {
            response.setHeader("Transfer-Encoding", "chunked");
        }
    }

    /**
     * Returns an output that sends each write at once, past the container's buffer. If the container has none, returns the given output,
     * which the caller must flush. Either may be written to only while the given output is ready.
     */
    OutputStream unbuffered(ServletOutputStream out) {
        return out;
    }

    /**
     * Returns whether the container calls write listeners on a thread that also serves the sockets of other clients. Neither the store nor
     * a format may run on such a thread.
     */
    boolean callsOnIoThread() {
        return false;
    }

    /**
     * Checks that a response to this request can be aborted. Must be called before the first write.
     *
     * @throws ProblemException with status 505 if it cannot. An incomplete response would look complete to the client
     */
    void requireReset(HttpServletRequest request) {}

    /** Returns whether this request came over HTTP/1.1 and upgraded the connection, so the response is sent over HTTP/2. */
    private static boolean hasUpgraded(HttpServletRequest request) {
        return request.getHeader("HTTP2-Settings") != null
                && request.getProtocol().startsWith("HTTP/2");
    }

    /**
     * Tries to make the container abort a response when it completes, whatever filters stand before the servlet. Returns whether the
     * container will do so. The caller must complete the response then, and otherwise dispatch the request to {@link #abort}.
     */
    boolean abortsOnComplete(HttpServletRequest request, HttpServletResponse response) {
        return false;
    }

    /**
     * Aborts a response in the call of {@link jakarta.servlet.AsyncListener#onComplete}, because a filter did not pass the dispatch on to the
     * servlet. Has no effect on a container that has ended the response before this call.
     */
    void abortUnreached(HttpServletRequest request) {}

    /** Aborts the response. Must be called in the dispatch, and the servlet must pass the exception on to the container. */
    void abort(HttpServletRequest request) throws IOException {
        closeAfterThis(request);
    }

    /**
     * Throws the exception after which Jetty and Tomcat close the connection. A response that is not sent yet may still be sent, and the
     * container does not log the exception.
     */
    final void closeAfterThis(HttpServletRequest request) throws IOException {
        String message = "the stream was cut before its end";
        if (quietException != null) {
            try {
                throw (IOException) ContainerInternals.unwrapped(request)
                        .getClass()
                        .getClassLoader()
                        .loadClass(quietException)
                        .getConstructor(String.class)
                        .newInstance(message);
            } catch (ReflectiveOperationException | ClassCastException e) {
                throw new IOException(message, e);
            }
        }
        throw new IOException(message);
    }

    private static final class UnbufferedOutput extends OutputStream {

        private final ServletOutputStream out;
        private final MethodHandle write;

        UnbufferedOutput(ServletOutputStream out, MethodHandle write) {
            this.out = out;
            this.write = write;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                write.invokeExact(out, ByteBuffer.wrap(bytes, offset, length));
            } catch (IOException | RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IOException(e);
            }
        }
    }
}
