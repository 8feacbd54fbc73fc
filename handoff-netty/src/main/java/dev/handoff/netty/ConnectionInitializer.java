// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.group.ChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.ssl.SslContext;
import org.jspecify.annotations.Nullable;

/** Sets up the handlers of a connection. */
final class ConnectionInitializer extends ChannelInitializer<Channel> {

    /** The most bytes of a request line. A token has less than 1 kB. */
    private static final int MAX_REQUEST_LINE = 8 << 10;
    /** The most bytes of all header fields. */
    private static final int MAX_HEADERS = 16 << 10;

    private final Responses responses;
    private final @Nullable SslContext tls;

    private final ChannelGroup connections;

    ConnectionInitializer(Responses responses, @Nullable SslContext tls, ChannelGroup connections) {
        this.responses = responses;
        this.tls = tls;
        this.connections = connections;
    }

    @Override
    protected void initChannel(Channel channel) {
        connections.add(channel);
        ChannelPipeline pipeline = channel.pipeline();
        if (tls != null) {
            pipeline.addLast(tls.newHandler(channel.alloc()));
        }
        addHttp1(pipeline);
    }

    private void addHttp1(ChannelPipeline pipeline) {
        pipeline.addLast(http1Codec());
        // Keeps requests that were read at once from coming while an earlier one is answered.
        pipeline.addLast(new FlowControlHandler());
        pipeline.addLast(new Http1Handler(responses));
    }

    private static HttpServerCodec http1Codec() {
        return new HttpServerCodec(new HttpDecoderConfig()
                .setMaxInitialLineLength(MAX_REQUEST_LINE)
                .setMaxHeaderSize(MAX_HEADERS));
    }
}
