// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A connection over HTTP/2. It flushes once per turn of its event loop what its streams have written, and closes when no stream was open for too
 * long.
 */
final class Http2Connection extends ChannelInboundHandlerAdapter {

    /** How many streams a client may have open at once on a connection. */
    private static final int MAX_STREAMS = 256;
    /** How many flushes are combined at most. */
    private static final int MAX_FLUSHES = 256;

    private static final long GOODBYE_MILLIS = 500;

    private final long idleMillis;
    private final Http2FrameCodec frames;
    private final Http2MultiplexHandler streams;

    // Only on the event loop.
    private @Nullable Future<?> check;
    private int lastStream;

    /** Creates the handlers of a connection, which are not in a pipeline yet. */
    Http2Connection(Responses responses, int maxHeaders) {
        this.idleMillis = responses.requestMillis();
        Http2FrameCodecBuilder builder = Http2FrameCodecBuilder.forServer()
                .initialSettings(Http2Settings.defaultSettings()
                        .maxConcurrentStreams(MAX_STREAMS)
                        .maxHeaderListSize(maxHeaders));
        builder.gracefulShutdownTimeoutMillis(GOODBYE_MILLIS);
        this.frames = builder.build();
        this.streams = new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel stream) {
                stream.config().setWriteBufferWaterMark(NettyStreamingServer.WATER_MARK);
                stream.pipeline().addLast(new Http2StreamFrameToHttpObjectCodec(true), new Http2Handler(responses));
            }
        });
    }

    /** Returns the handler of frames, which comes before {@link #streams} and this one. */
    Http2FrameCodec frames() {
        return frames;
    }

    Http2MultiplexHandler streams() {
        return streams;
    }

    /** Adds the handlers at the end of a pipeline. */
    void addTo(ChannelPipeline pipeline) {
        pipeline.addLast(frames, streams, this);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ChannelPipeline pipeline = context.pipeline();
        if (pipeline.get(Http1Handler.class) != null) {
            // The connection began as HTTP/1.1.
            pipeline.remove(Http1Handler.class);
            pipeline.remove(FlowControlHandler.class);
        }
        pipeline.addBefore(pipeline.context(frames).name(), null, new FlushConsolidationHandler(MAX_FLUSHES, true));
        check = context.executor()
                .scheduleWithFixedDelay(() -> closeIfIdle(context), idleMillis, idleMillis, TimeUnit.MILLISECONDS);
    }

    private void closeIfIdle(ChannelHandlerContext context) {
        int last = frames.connection().remote().lastStreamCreated();
        if (frames.connection().numActiveStreams() == 0 && last == lastStream) {
            context.close();
        }
        lastStream = last;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        Future<?> running = check;
        if (running != null) {
            running.cancel(false);
        }
    }
}
