// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import java.util.Objects;

/** Reads the requests of a connection over HTTP/1. */
final class Http1Handler extends RequestHandler {

    private boolean begun;

    Http1Handler(Responses responses) {
        super(responses);
    }

    @Override
    Wire wire(ChannelHandlerContext context, boolean http11) {
        if (!begun) {
            begun = true;
            HttpServerUpgradeHandler upgrade = context.pipeline().get(HttpServerUpgradeHandler.class);
            if (upgrade != null) {
                // The connection stays with HTTP/1.
                context.pipeline().remove(upgrade);
            }
        }
        return new Http1Wire(
                context, Objects.requireNonNull(context.pipeline().context(HttpServerCodec.class)), http11);
    }

    @Override
    boolean isPersistent() {
        return true;
    }
}
