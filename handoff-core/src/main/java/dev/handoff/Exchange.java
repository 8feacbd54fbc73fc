// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One request for a stream, and what is known of its answer. Not thread-safe. */
final class Exchange {

    final HandoffRequest request;
    private final Cors cors;

    @Nullable
    StreamFormat format;
    /** The header fields of the format. */
    Map<String, String> extra = Map.of();

    Exchange(HandoffRequest request, Cors cors) {
        this.request = request;
        this.cors = cors;
    }

    boolean isHead() {
        return request.method().equals("HEAD");
    }

    StreamEndpoint.Whole whole(Reply reply) {
        return new StreamEndpoint.Whole(reply.withHeaders(headers(reply.headers())));
    }

    /** Returns all header fields; those of the answer count before those of the format. */
    Map<String, List<String>> headers(Map<String, List<String>> own) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        headers.put("X-Content-Type-Options", List.of("nosniff"));
        add(headers, lists(cors.headers(request, extra.keySet())));
        add(headers, lists(extra));
        add(headers, own);
        return headers;
    }

    /** Returns fields that have one value each as fields that may have several. */
    static Map<String, List<String>> lists(Map<String, String> headers) {
        Map<String, List<String>> lists = new LinkedHashMap<>();
        headers.forEach((name, value) -> lists.put(name, List.of(value)));
        return lists;
    }

    private static void add(Map<String, List<String>> headers, Map<String, List<String>> more) {
        more.forEach((name, values) -> {
            String known = headers.keySet().stream()
                    .filter(name::equalsIgnoreCase)
                    .findFirst()
                    .orElse(name);
            List<String> before = headers.remove(known);
            boolean both = before != null && name.equalsIgnoreCase("Vary");
            headers.put(name, both ? List.of(String.join(", ", before) + ", " + String.join(", ", values)) : values);
        });
    }

    /** Returns what the client has sent as {@code Last-Event-ID}: in the header, or else in the query. */
    Optional<String> lastEventId() {
        String header = request.header("Last-Event-ID");
        if (header != null && !header.isEmpty()) {
            return Optional.of(header);
        }
        String query = request.query();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            if (pair.startsWith("last_event_id=")) {
                String value = pair.substring("last_event_id=".length());
                return value.isEmpty() ? Optional.empty() : Optional.of(decode(value));
            }
        }
        return Optional.empty();
    }

    private static String decode(String value) {
        try {
            return URLDecoder.decode(value, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            String shown = value.length() <= 100 ? value : value.substring(0, 100) + "…";
            throw ProblemCode.INVALID_LAST_EVENT_ID.exception(
                    "last_event_id is not percent-encoded: \"" + shown.replaceAll("\\p{Cntrl}", "?") + '"', e);
        }
    }
}
