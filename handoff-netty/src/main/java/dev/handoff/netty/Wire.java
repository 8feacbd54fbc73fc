// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * The response to one request, as the bytes of a version of HTTP. Only the event loop of the channel may call its methods, except
 * {@link #frame}.
 */
interface Wire {

    /**
     * Appends a part of the content to a buffer, with the framing that this version of HTTP puts around it. Any thread may call this.
     *
     * @param into the buffer that takes the part; null for a new one
     * @return the buffer that has taken it
     */
    ByteBuf frame(@Nullable ByteBuf into, byte[] bytes, int offset, int length);

    /** Writes the status line and the header fields. The content follows. */
    void head(HttpResponse head);

    /** Writes a buffer of {@link #frame}, and releases it. */
    void write(ByteBuf framed);

    /** Writes a buffer of {@link #frame} and flushes it. The future completes when the socket has taken it. */
    ChannelFuture writeLast(ByteBuf framed);

    /** Writes a heartbeat from a buffer that all responses share. */
    void heartbeat(Heartbeat heartbeat);

    /** Writes the end of the content and flushes it. The future completes when the socket has taken it. */
    ChannelFuture end();

    /** Sends what was written. */
    void flush();

    /** Ends the response so that it does not look complete. */
    void abort();

    /**
     * Closes the connection, or over HTTP/2 the stream, when the socket has taken the whole response.
     *
     * @param bodyRead whether the body of the request was read to its end
     */
    void close(boolean bodyRead);

    /** Returns how many bytes were written that the socket has not taken. */
    long pending();
}
