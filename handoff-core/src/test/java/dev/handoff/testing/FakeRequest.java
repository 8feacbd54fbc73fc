// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testing;

import dev.handoff.http.HandoffRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request as a value. */
public record FakeRequest(
        String method,
        String path,
        Map<String, String> headers,
        @Nullable String subject,
        String body) implements HandoffRequest {

    public static FakeRequest by(@Nullable String subject) {
        return new FakeRequest("POST", "/ask", Map.of(), subject, "{}");
    }

    public FakeRequest with(String name, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(name.toLowerCase(Locale.ROOT), value);
        return new FakeRequest(method, path, more, subject, body);
    }

    @Override
    public @Nullable String query() {
        return null;
    }

    @Override
    public @Nullable String header(String name) {
        return headers.get(name.toLowerCase(Locale.ROOT));
    }

    @Override
    public byte[] bodyBytes() {
        return body.getBytes(StandardCharsets.UTF_8);
    }
}
