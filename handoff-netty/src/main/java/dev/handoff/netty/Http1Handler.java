// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpServerCodec;
import java.util.Objects;

/** Reads the requests of a connection over HTTP/1. */
final class Http1Handler extends RequestHandler {

    Http1Handler(Responses responses) {
        super(responses);
    }

    @Override
    Wire wire(ChannelHandlerContext context, boolean http11) {
        return new Http1Wire(
                context, Objects.requireNonNull(context.pipeline().context(HttpServerCodec.class)), http11);
    }

    @Override
    boolean isPersistent() {
        return true;
    }
}
