// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.util.ReferenceCountUtil;
import java.util.Objects;

/** Reads the request of one stream over HTTP/2. */
final class Http2Handler extends RequestHandler {

    Http2Handler(Responses responses) {
        super(responses);
    }

    @Override
    Wire wire(ChannelHandlerContext context, boolean http11) {
        return new Http2Wire(
                context, Objects.requireNonNull(context.pipeline().context(Http2StreamFrameToHttpObjectCodec.class)));
    }

    @Override
    boolean isPersistent() {
        return false;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        try {
            if (event instanceof Http2ResetFrame) {
                context.close();
            }
        } finally {
            ReferenceCountUtil.release(event);
        }
    }
}
