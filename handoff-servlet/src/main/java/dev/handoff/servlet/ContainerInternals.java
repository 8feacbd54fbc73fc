// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.ServletResponseWrapper;
import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls methods of containers that are not in the Servlet API, past the wrappers of filters. Each call names its class only as a string, since
 * the container may not be there. Each method returns false or null if the container does not have what it calls.
 */
final class ContainerInternals {

    /** The id of the stream that a request becomes when it upgrades the connection (RFC 7540, 3.2). */
    private static final int UPGRADED_STREAM = 1;
    /** The error code of a stream that is not needed any more (RFC 9113, 7). */
    private static final int CANCEL = 8;

    private static final Logger logger = LoggerFactory.getLogger(ContainerInternals.class);

    private ContainerInternals() {}

    /** Returns the request of the container, which filters may have wrapped. */
    static ServletRequest unwrapped(ServletRequest request) {
        ServletRequest inner = request;
        while (inner instanceof ServletRequestWrapper wrapper) {
            inner = wrapper.getRequest();
        }
        return inner;
    }

    private static ServletResponse unwrapped(ServletResponse response) {
        ServletResponse inner = response;
        while (inner instanceof ServletResponseWrapper wrapper) {
            inner = wrapper.getResponse();
        }
        return inner;
    }

    /**
     * Makes Jetty abort a response when it completes. Jetty does this to a response that has fewer bytes than the application has
     * announced. Returns false if this is not possible.
     */
    static boolean announceMoreToJetty(ServletResponse response) {
        try {
            ServletOutputStream out = unwrapped(response).getOutputStream();
            out.getClass().getMethod("setApplicationContentLength", long.class).invoke(out, Long.MAX_VALUE);
            return true;
        } catch (ReflectiveOperationException | IOException | RuntimeException e) {
            logger.debug("Jetty does not let a response of {} be aborted", response.getClass(), e);
            return false;
        }
    }

    /**
     * Makes Tomcat close the connection of a request at once, or reset the stream over HTTP/2. Must be called on a thread of Tomcat that
     * handles this request. Returns false if this is not possible.
     */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static boolean closeOnTomcat(ServletRequest request) {
        ServletRequest facade = unwrapped(request);
        try {
            Object coyote = call(call(field(facade, "request"), "getResponse"), "getCoyoteResponse");
            Class code = Class.forName(
                    "org.apache.coyote.ActionCode", true, coyote.getClass().getClassLoader());
            coyote.getClass()
                    .getMethod("action", code, Object.class)
                    .invoke(coyote, Enum.valueOf(code, "CLOSE_NOW"), null);
            return true;
        } catch (ReflectiveOperationException | RuntimeException e) {
            logger.debug("Tomcat does not let the connection of a {} be closed", facade.getClass(), e);
            return false;
        }
    }

    /**
     * Makes Undertow close the connection of a request at once, or reset the stream over HTTP/2. Returns false if this is not possible.
     *
     * @param upgraded whether the request has upgraded the connection to HTTP/2
     */
    static boolean closeOnUndertow(ServletRequest request, boolean upgraded) {
        try {
            if (upgraded) {
                Closeable reset = resetOnUndertow(request);
                if (reset == null) {
                    return false;
                }
                reset.close();
            } else {
                ((Closeable) connectionOnUndertow(request)).close();
            }
            return true;
        } catch (ReflectiveOperationException | IOException | RuntimeException e) {
            logger.debug("Undertow does not let the connection of a request be closed", e);
            return false;
        }
    }

    /**
     * Returns an action that resets the stream of a request that upgraded its connection on Undertow; null if the stream cannot be reset.
     */
    static @Nullable Closeable resetOnUndertow(ServletRequest request) {
        try {
            Object channel = field(connectionOnUndertow(request), "channel");
            Method reset = channel.getClass().getMethod("sendRstStream", int.class, int.class);
            return () -> {
                try {
                    reset.invoke(channel, UPGRADED_STREAM, CANCEL);
                } catch (ReflectiveOperationException e) {
                    throw new IOException(e);
                }
            };
        } catch (ReflectiveOperationException | RuntimeException e) {
            logger.debug("the HTTP/2 stream of a request on Undertow cannot be reset", e);
            return null;
        }
    }

    private static Object connectionOnUndertow(ServletRequest request) throws ReflectiveOperationException {
        return call(call(unwrapped(request), "getExchange"), "getConnection");
    }

    private static Object call(Object target, String method) throws ReflectiveOperationException {
        return target.getClass().getMethod(method).invoke(target);
    }

    private static Object field(Object target, String name) throws ReflectiveOperationException {
        Field field = target.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(target);
    }
}
