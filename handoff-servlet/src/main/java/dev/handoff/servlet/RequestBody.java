// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads the body of one request, at most once and within the {@link BodyLimits} of the filter. Blocks while it reads. Not thread-safe. */
final class RequestBody implements AutoCloseable {

    /** The first buffer is at most this large. A larger one is allocated only after the client has sent as much. */
    private static final int FIRST_BYTES = 64 << 10;

    private static final int FIRST_BYTES_OF_UNKNOWN_LENGTH = 4 << 10;
    private static final int DISCARD_BYTES = 8 << 10;

    private final HttpServletRequest request;
    private final BodyLimits limits;
    /** The length of the body; -1 if it is not known. */
    private final long announced;

    private @Nullable ServletInputStream in;
    private byte @Nullable [] bytes;
    private @Nullable ProblemException failure;
    private boolean consumedBefore;
    private boolean foundNothing;
    private boolean atEnd;
    /** Whether a read failed, because the client is too slow or gone, or because too many threads wait already. */
    private boolean unreadable;

    private long started;
    private long received;
    private long heldForBytes;
    private long heldForText;

    RequestBody(HttpServletRequest request, BodyLimits limits) {
        this.request = request;
        this.limits = limits;
        long length = request.getContentLengthLong();
        boolean none = length < 0 && isHttp1(request) && request.getHeader("Transfer-Encoding") == null;
        this.announced = none ? 0 : length;
    }

    static boolean isHttp1(HttpServletRequest request) {
        return request.getProtocol().startsWith("HTTP/1");
    }

    /**
     * Reads the whole body.
     *
     * @throws ProblemException with status 413 if the body is too large, 408 if it arrives too slowly, 400 if it ends too early, or 503 if
     *     the filter is reading too many other bodies. Each later call throws the same exception
     */
    byte[] read() {
        requireIntact();
        byte[] all = bytes;
        if (all == null) {
            try {
                all = readAll();
            } catch (ProblemException e) {
                failure = e;
                throw e;
            }
            bytes = all;
        }
        return all;
    }

    /** Returns the bytes that {@link #read} returned; null if nobody called it, or after {@link #drop}. */
    byte @Nullable [] bytes() {
        return bytes;
    }

    /** Throws the exception of a failed {@link #read} again, because a part of the body is lost. */
    void requireIntact() {
        if (failure != null) {
            throw failure;
        }
    }

    /** Returns whether {@link #read} found no bytes of a body because an earlier filter had read them. */
    boolean consumedBefore() {
        return consumedBefore;
    }

    /**
     * Returns whether {@link #read} found no bytes although the request may have a body. A container that has parsed a form of unknown
     * length may report the end of the body only at the next read, so this does not prove that the body was empty.
     */
    boolean foundNothing() {
        return foundNothing;
    }

    /** Reserves the memory of a text that was decoded from the body. */
    void holdText(String text, int bytesRead) {
        long textBytes = text.length() == bytesRead ? text.length() : 2L * text.length();
        limits.hold(textBytes);
        heldForText += textBytes;
    }

    /** Releases the bytes, when the request will not pass to the application. */
    void drop() {
        bytes = null;
        limits.release(heldForBytes);
        heldForBytes = 0;
    }

    @Override
    public void close() {
        drop();
        limits.release(heldForText);
        heldForText = 0;
    }

    /**
     * Reads and discards the rest of the body, because the container would do so without a limit. Stops after as many bytes as a body may
     * have, and if the client is too slow.
     *
     * @return whether the end of the body was reached; if not, the connection cannot be used for another request
     */
    boolean discardRest() {
        if (atEnd || announced == 0) {
            return true;
        }
        boolean waitsForContinue = in == null && request.getHeader("Expect") != null;
        if (waitsForContinue || unreadable) {
            return false;
        }
        try {
            ServletInputStream input = open();
            byte[] waste = new byte[DISCARD_BYTES];
            long limit = received + limits.maxBytes();
            while (!atEnd && received <= limit) {
                read(input, waste, 0, waste.length);
            }
        } catch (ProblemException e) {
            return false;
        } catch (IllegalStateException e) {
            // An earlier filter has called getReader() and may not have read all of the body.
            return false;
        }
        return atEnd || received == announced;
    }

    private ServletInputStream open() {
        ServletInputStream input = in;
        if (input == null) {
            try {
                input = request.getInputStream();
            } catch (IOException e) {
                throw refuseCut(e);
            }
            in = input;
            started = limits.now();
        }
        return input;
    }

    private byte[] readAll() {
        if (announced > limits.maxBytes()) {
            throw refuseTooLarge();
        }
        ServletInputStream input;
        try {
            input = open();
        } catch (IllegalStateException e) {
            // An earlier filter has called getReader().
            consumedBefore = true;
            foundNothing = true;
            return new byte[0];
        }
        boolean finishedBefore = input.isFinished();
        long first = announced < 0 ? FIRST_BYTES_OF_UNKNOWN_LENGTH : Math.min(announced, FIRST_BYTES);
        byte[] buffer = hold((int) Math.min(first, limits.maxBytes()));
        int count = 0;
        byte[] next = new byte[1];
        while (!atEnd) {
            if (count < buffer.length) {
                count += Math.max(0, read(input, buffer, count, buffer.length - count));
            } else if (read(input, next, 0, 1) > 0) {
                // The buffer grows only after another byte was read, so a body of known length fits exactly.
                if (count == limits.maxBytes()) {
                    throw refuseTooLarge();
                }
                buffer = grown(buffer);
                buffer[count++] = next[0];
            }
        }
        foundNothing = count == 0 && announced != 0;
        consumedBefore = foundNothing && (announced > 0 || finishedBefore);
        return count == buffer.length ? buffer : trimmed(buffer, count);
    }

    private byte[] hold(int size) {
        limits.hold(size);
        heldForBytes += size;
        return new byte[size];
    }

    private byte[] grown(byte[] full) {
        long wanted = announced > full.length
                ? Math.min(announced, 8L * full.length)
                : Math.max(FIRST_BYTES_OF_UNKNOWN_LENGTH, 2L * full.length);
        byte[] larger = hold((int) Math.min(wanted, limits.maxBytes()));
        System.arraycopy(full, 0, larger, 0, full.length);
        limits.release(full.length);
        heldForBytes -= full.length;
        return larger;
    }

    private byte[] trimmed(byte[] buffer, int count) {
        limits.release(buffer.length - count);
        heldForBytes -= buffer.length - count;
        return Arrays.copyOf(buffer, count);
    }

    private int read(ServletInputStream input, byte[] target, int offset, int length) {
        int count;
        try {
            boolean waits = received != announced && !input.isFinished() && input.available() <= 0;
            count = waits ? await(input, target, offset, length) : input.read(target, offset, length);
        } catch (ProblemException e) {
            unreadable = true;
            throw e;
        } catch (IOException | RuntimeException e) {
            unreadable = true;
            // Containers also throw their own runtime exceptions, for a malformed chunk or a client below their minimum
            // rate.
            throw limits.tooSlow(started, received) ? limits.refuseTooSlow(e) : refuseCut(e);
        }
        if (count < 0) {
            atEnd = true;
        } else {
            received += count;
        }
        return count;
    }

    private int await(ServletInputStream input, byte[] target, int offset, int length) throws IOException {
        if (limits.tooSlow(started, received)) {
            throw limits.refuseTooSlow(null);
        }
        limits.beforeWait();
        try {
            return input.read(target, offset, length);
        } finally {
            limits.afterWait();
        }
    }

    private ProblemException refuseTooLarge() {
        return ProblemCode.CONTENT_TOO_LARGE.exception("The content is larger than " + limits.maxBytes() + " bytes.");
    }

    private static ProblemException refuseCut(Exception cause) {
        return ProblemCode.CONTENT_CUT.exception("The content could not be read to its end.", cause);
    }
}
