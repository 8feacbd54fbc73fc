// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.delivery.EventFeed;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Error;
import org.jspecify.annotations.Nullable;

/** A response over HTTP/2: frames of one stream of the connection. A cut resets the stream. */
final class Http2Wire implements Wire {

    private final ChannelHandlerContext handler;
    /** The context of the handler that converts messages into frames, after which frames go to the connection as they are. */
    private final ChannelHandlerContext codec;

    /**
     * Creates a response to one request.
     *
     * @param handler the context of the handler that reads requests
     * @param codec the context of the handler that converts messages into frames
     */
    Http2Wire(ChannelHandlerContext handler, ChannelHandlerContext codec) {
        this.handler = handler;
        this.codec = codec;
    }

    @Override
    public ByteBuf frame(@Nullable ByteBuf into, byte[] bytes, int offset, int length) {
        ByteBuf buffer = into == null ? codec.alloc().directBuffer(length) : into;
        return buffer.writeBytes(bytes, offset, length);
    }

    @Override
    public void head(HttpResponse head) {
        handler.write(head);
    }

    @Override
    public void write(ByteBuf framed) {
        // The flow control reports progress frame by frame, which the write deadline needs.
        while (framed.readableBytes() > EventFeed.SLICE_BYTES) {
            codec.write(new DefaultHttp2DataFrame(framed.readRetainedSlice(EventFeed.SLICE_BYTES)));
        }
        codec.write(new DefaultHttp2DataFrame(framed));
    }

    @Override
    public ChannelFuture writeLast(ByteBuf framed) {
        return codec.writeAndFlush(new DefaultHttp2DataFrame(framed));
    }

    @Override
    public void heartbeat(Heartbeat heartbeat) {
        codec.write(new DefaultHttp2DataFrame(heartbeat.bytes().duplicate()));
    }

    @Override
    public ChannelFuture end() {
        return codec.writeAndFlush(new DefaultHttp2DataFrame(Unpooled.EMPTY_BUFFER, true));
    }

    @Override
    public void flush() {
        codec.flush();
    }

    @Override
    public void abort() {
        codec.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.INTERNAL_ERROR))
                .addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void close(boolean bodyRead) {
        if (!bodyRead) {
            // RFC 9113, 8.1: the client need not send the rest of its request.
            codec.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.NO_ERROR));
        }
    }

    @Override
    public long pending() {
        Channel channel = handler.channel();
        long low = channel.config().getWriteBufferLowWaterMark();
        long high = channel.config().getWriteBufferHighWaterMark();
        return channel.isWritable()
                ? high + 1 - channel.bytesBeforeUnwritable()
                : low - 1 + channel.bytesBeforeWritable();
    }
}
