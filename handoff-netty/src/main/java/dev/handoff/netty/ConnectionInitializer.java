// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.group.ChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http2.CleartextHttp2ServerUpgradeHandler;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2ServerUpgradeCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * Sets up the handlers of a connection. With TLS the client chooses HTTP/1.1 or HTTP/2 by ALPN. Without TLS it begins with HTTP/2 or asks for an
 * upgrade.
 */
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
        if (tls == null) {
            addCleartext(pipeline);
            return;
        }
        pipeline.addLast(tls.newHandler(channel.alloc()));
        pipeline.addLast(new ApplicationProtocolNegotiationHandler(ApplicationProtocolNames.HTTP_1_1) {
            @Override
            protected void configurePipeline(ChannelHandlerContext context, String protocol) {
                if (protocol.equals(ApplicationProtocolNames.HTTP_2)) {
                    http2().addTo(context.pipeline());
                } else {
                    context.pipeline().addLast(http1Codec());
                    addHttp1(context.pipeline());
                }
            }
        });
    }

    private void addCleartext(ChannelPipeline pipeline) {
        HttpServerCodec codec = http1Codec();
        HttpServerUpgradeHandler upgrade = new HttpServerUpgradeHandler(codec, this::upgrade) {
            @Override
            protected boolean shouldHandleUpgradeRequest(HttpRequest request) {
                // An upgrade keeps the whole body in memory.
                return HttpUtil.getContentLength(request, 0L) == 0 && !HttpUtil.isTransferEncodingChunked(request);
            }
        };
        pipeline.addLast(new CleartextHttp2ServerUpgradeHandler(codec, upgrade, new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                http2().addTo(channel.pipeline());
            }
        }));
        addHttp1(pipeline);
    }

    private HttpServerUpgradeHandler.@Nullable UpgradeCodec upgrade(CharSequence protocol) {
        if (!AsciiString.contentEquals(Http2CodecUtil.HTTP_UPGRADE_PROTOCOL_NAME, protocol)) {
            return null;
        }
        Http2Connection connection = http2();
        return new Http2ServerUpgradeCodec(connection.frames(), connection.streams(), connection);
    }

    private Http2Connection http2() {
        return new Http2Connection(responses, MAX_HEADERS);
    }

    private void addHttp1(ChannelPipeline pipeline) {
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
