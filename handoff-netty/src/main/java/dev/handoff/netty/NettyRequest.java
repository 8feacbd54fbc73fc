// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.http.HandoffRequest;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adapts a request of Netty to the core. Its content is never read, and it has no subject.
 *
 * @param path the path, percent-decoded
 * @param query the query as the client sent it; null if there is none
 */
record NettyRequest(String method, String path, @Nullable String query, HttpHeaders headers) implements HandoffRequest {

    @Override
    public @Nullable String header(String name) {
        List<String> lines = headers.getAll(name);
        return lines.isEmpty() ? null : String.join(", ", lines);
    }

    @Override
    public @Nullable String subject() {
        return null;
    }

    @Override
    public String body() {
        return "";
    }

    @Override
    public byte[] bodyBytes() {
        return new byte[0];
    }
}
