// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.delivery.EventFeed;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/** Sends a reply whose length is known, a slice at a time while the channel is writable. Only the event loop uses it. */
final class WholeResponse implements Response {

    private final RequestHandler handler;
    private final Wire wire;
    private final byte[] content;
    /** The response of the stream that the reply belongs to; null if there is none. */
    private final @Nullable StreamResponse owner;

    private int written;
    private boolean over;

    WholeResponse(RequestHandler handler, Wire wire, byte[] content, @Nullable StreamResponse owner) {
        this.handler = handler;
        this.wire = wire;
        this.content = content;
        this.owner = owner;
    }

    /** Writes as much as the channel takes now. */
    @Override
    public void onWritable() {
        if (over) {
            return;
        }
        while (written < content.length && handler.isWritable()) {
            int count = Math.min(EventFeed.SLICE_BYTES, content.length - written);
            wire.write(Unpooled.wrappedBuffer(content, written, count));
            handler.wrote(count);
            written += count;
        }
        if (written < content.length) {
            wire.flush();
            return;
        }
        over = true;
        wire.end().addListener(taken -> onClosed());
        handler.completed();
    }

    @Override
    public void onTick() {
        onWritable();
    }

    @Override
    public boolean belongsTo(StreamResponse stream) {
        return stream == owner;
    }

    @Override
    public void tooSlow() {
        if (owner != null) {
            owner.tooSlow();
        }
    }

    @Override
    public void onClosed() {
        over = true;
        if (owner != null) {
            owner.onClosed();
        }
    }
}
