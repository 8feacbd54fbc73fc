package dev.handoff.servlet;

import dev.handoff.http.ProblemException;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What containers do differently where the Servlet specification is silent: how a response that has begun is aborted, so that
 * no client takes a part for the whole. The specification has no call for it. A dispatch back to the servlet works, which then
 * does what its container answers by closing the connection, or by resetting the stream over HTTP/2. The contract of
 * handoff-testkit tests each way on its container, over HTTP/1.1 and HTTP/2.
 */
enum Container {
    /** Closes the connection when a dispatch throws; this exception it does not log. */
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
    },

    /** Closes the connection when a dispatch throws; this exception it does not log. */
    TOMCAT("org.apache.catalina.connector.ClientAbortException"),

    /**
     * Ends the response cleanly when a dispatch throws, but closes the connection on a timeout, or resets the stream over
     * HTTP/2. It fails to reset the stream that has upgraded the connection to HTTP/2, so that one is reset by a call that
     * only Undertow has.
     */
    UNDERTOW(null) {
        @Override
        void prepare(HttpServletRequest request, HttpServletResponse response) {
            announceChunks(request, response);
            // A flush that does not fit into the socket leaves the rest in this buffer and says that all is well.
            response.setBufferSize(1);
        }

        @Override
        boolean callsOnIoThread() {
            return true;
        }

        @Override
        void requireReset(HttpServletRequest request) {
            if (hasUpgraded(request) && resetOf(request) == null) {
                throw new ProblemException(
                        505,
                        "http_version_not_supported",
                        "This server cannot reset a stream that upgrades the connection to HTTP/2. Use HTTP/1.1, or HTTP/2"
                                + " without an upgrade.");
            }
        }

        @Override
        void abort(HttpServletRequest request) throws IOException {
            Closeable reset = hasUpgraded(request) ? resetOf(request) : null;
            if (reset != null) {
                reset.close();
            }
            AsyncContext async = request.startAsync();
            async.setTimeout(1);
        }
    },

    /** Not tried. A dispatch that throws is the best guess. */
    OTHER(null);

    /** The id of the stream that a request becomes when it upgrades the connection (RFC 7540, 3.2). */
    private static final int UPGRADED_STREAM = 1;
    /** The error code of a stream that is not needed any more (RFC 9113, 7). */
    private static final int CANCEL = 8;

    private static final Logger logger = LoggerFactory.getLogger(Container.class);

    /**
     * Jetty's output has this method, which the interface has from Servlet 6.1 on. What is written with it is sent without a
     * flush, and Jetty needs no buffer for it, which it would keep until the answer ends.
     */
    private static final ClassValue<@Nullable MethodHandle> WRITES_AT_ONCE = new ClassValue<>() {
        @Override
        protected @Nullable MethodHandle computeValue(Class<?> type) {
            // Another class that wraps it may do anything.
            if (!type.getName().startsWith("org.eclipse.jetty.")) {
                return null;
            }
            try {
                return MethodHandles.publicLookup()
                        .findVirtual(type, "write", MethodType.methodType(void.class, ByteBuffer.class))
                        .asType(MethodType.methodType(void.class, ServletOutputStream.class, ByteBuffer.class));
            } catch (ReflectiveOperationException e) {
                logger.debug("{} is flushed after each write", type, e);
                return null;
            }
        }
    };

    private final @Nullable String quietException;

    Container(@Nullable String quietException) {
        this.quietException = quietException;
    }

    static Container of(ServletContext context) {
        // A server that is built on one of them may give its own name, but not to its classes.
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
        logger.warn("{} was not tried: whether it can cut an answer that has begun is not known", info);
        return OTHER;
    }

    /** Returns the charset of forms that name none: ISO 8859-1 by the Servlet specification (6.0, section 3.12), UTF-8 on Jetty. */
    Charset formCharset() {
        return this == JETTY ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
    }

    /** To be called before anything is written. */
    void prepare(HttpServletRequest request, HttpServletResponse response) {}

    /**
     * Makes the container send chunks over HTTP/1.1. If the client asks for the connection to be closed, Jetty and Undertow would
     * end the response by closing it, and the client could not tell a cut from an end. Tomcat always sends chunks.
     */
    private static void announceChunks(HttpServletRequest request, HttpServletResponse response) {
        if (request.getProtocol().equals("HTTP/1.1")) {
            response.setHeader("Transfer-Encoding", "chunked");
        }
    }

    /**
     * A way past the container's buffer, for what is to be sent as soon as it is written; the output itself if there is none, and then
     * it has to be flushed. The same rules hold for both: it is written when the output is ready.
     */
    OutputStream unbuffered(ServletOutputStream out) {
        return out;
    }

    /**
     * Returns whether the container calls write listeners on a thread that serves the sockets of other clients. Neither the
     * store nor a format may run there.
     */
    boolean callsOnIoThread() {
        return false;
    }

    /**
     * Checks that a response to this request can be cut. Called before anything is written.
     *
     * @throws ProblemException with status 505 if it cannot, and would look complete when it is not
     */
    void requireReset(HttpServletRequest request) {}

    /** Returns whether this request came over HTTP/1.1 and is answered over HTTP/2. */
    private static boolean hasUpgraded(HttpServletRequest request) {
        return request.getHeader("HTTP2-Settings") != null
                && request.getProtocol().startsWith("HTTP/2");
    }

    /**
     * Returns an action that resets the stream of a request that has upgraded its connection on Undertow; null if there
     * is none.
     */
    private static @Nullable Closeable resetOf(HttpServletRequest request) {
        ServletRequest inner = request;
        while (inner instanceof ServletRequestWrapper wrapper) {
            inner = wrapper.getRequest();
        }
        try {
            Object exchange = inner.getClass().getMethod("getExchange").invoke(inner);
            Object connection = exchange.getClass().getMethod("getConnection").invoke(exchange);
            Field field = connection.getClass().getDeclaredField("channel");
            field.setAccessible(true);
            Object channel = field.get(connection);
            Method reset = channel.getClass().getMethod("sendRstStream", int.class, int.class);
            return () -> {
                try {
                    reset.invoke(channel, UPGRADED_STREAM, CANCEL);
                } catch (ReflectiveOperationException e) {
                    throw new IOException(e);
                }
            };
        } catch (ReflectiveOperationException | RuntimeException e) {
            logger.debug("the stream of a request {} cannot be reset", inner.getClass(), e);
            return null;
        }
    }

    /** To be called in the dispatch; what it throws is for the container. */
    void abort(HttpServletRequest request) throws IOException {
        String message = "the stream was cut before its end";
        if (quietException != null) {
            try {
                throw (IOException) request.getClass()
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
