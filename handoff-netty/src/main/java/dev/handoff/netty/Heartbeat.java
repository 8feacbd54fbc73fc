// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.delivery.FrameWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/**
 * A heartbeat, encoded once for all responses.
 *
 * @param chunk the heartbeat as a chunk of HTTP/1.1
 * @param bytes the heartbeat alone
 */
record Heartbeat(ByteBuf chunk, ByteBuf bytes) {

    /** Returns a heartbeat whose buffers are never released. */
    static Heartbeat of(FrameWriter frames) {
        byte[] bytes = frames.toString().getBytes(StandardCharsets.US_ASCII);
        String size = Integer.toHexString(bytes.length);
        return new Heartbeat(
                shared((size + "\r\n" + frames + "\r\n").getBytes(StandardCharsets.US_ASCII)), shared(bytes));
    }

    private static ByteBuf shared(byte[] bytes) {
        ByteBuf direct = Unpooled.directBuffer(bytes.length, bytes.length).writeBytes(bytes);
        return Unpooled.unreleasableBuffer(direct.asReadOnly());
    }
}
