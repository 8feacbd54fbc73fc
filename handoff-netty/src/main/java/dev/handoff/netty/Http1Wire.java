// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/**
 * A response over HTTP/1.1 or 1.0. It writes chunks in one buffer each, past the encoder of Netty, which would write three buffers. HTTP/1.0
 * has no chunks; there the connection ends the response, and a cut resets the connection.
 */
final class Http1Wire implements Wire {

    private static final int CHUNK_OVERHEAD = 12;
    private static final byte[] HEX = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

    private final ChannelHandlerContext handler;
    /** The context of the HTTP codec, after which the bytes go to the socket as they are. */
    private final ChannelHandlerContext codec;

    private final boolean http11;
    /** Whether a client can tell the end of the content from the end of the connection. */
    private boolean delimited;

    /**
     * Creates a response to one request.
     *
     * @param handler the context of the handler that reads requests
     * @param codec the context of the HTTP codec
     * @param http11 whether the client understands chunks
     */
    Http1Wire(ChannelHandlerContext handler, ChannelHandlerContext codec, boolean http11) {
        this.handler = handler;
        this.codec = codec;
        this.http11 = http11;
        this.delimited = http11;
    }

    @Override
    public ByteBuf frame(@Nullable ByteBuf into, byte[] bytes, int offset, int length) {
        int size = length + CHUNK_OVERHEAD;
        ByteBuf buffer = into == null ? codec.alloc().directBuffer(size) : into.ensureWritable(size);
        if (http11) {
            int shift = (31 - Integer.numberOfLeadingZeros(length | 1)) & ~3;
            for (; shift >= 0; shift -= 4) {
                buffer.writeByte(HEX[(length >>> shift) & 0xF]);
            }
            buffer.writeShort('\r' << 8 | '\n');
        }
        buffer.writeBytes(bytes, offset, length);
        if (http11) {
            buffer.writeShort('\r' << 8 | '\n');
        }
        return buffer;
    }

    @Override
    public void head(HttpResponse head) {
        if (head.headers().contains(HttpHeaderNames.CONTENT_LENGTH)) {
            delimited = true;
        } else if (http11 && head.status().code() != 204) {
            head.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        }
        handler.write(head, handler.voidPromise());
    }

    @Override
    public void write(ByteBuf framed) {
        codec.write(framed, codec.voidPromise());
    }

    @Override
    public ChannelFuture writeLast(ByteBuf framed) {
        return codec.writeAndFlush(framed);
    }

    @Override
    public void heartbeat(Heartbeat heartbeat) {
        codec.write((http11 ? heartbeat.chunk() : heartbeat.bytes()).duplicate(), codec.voidPromise());
    }

    @Override
    public ChannelFuture end() {
        return handler.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    @Override
    public void flush() {
        codec.flush();
    }

    @Override
    public void abort() {
        if (!delimited) {
            // Otherwise the end of the connection would look like the end of the content.
            handler.channel().config().setOption(ChannelOption.SO_LINGER, 0);
        }
        handler.close();
    }

    @Override
    public void close(boolean bodyRead) {
        handler.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public long pending() {
        Channel channel = handler.channel();
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        return buffer == null ? 0 : buffer.totalPendingWriteBytes() - buffer.currentProgress();
    }
}
