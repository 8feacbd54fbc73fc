// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.http.Reply;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Combines header fields. */
final class Replies {

    private Replies() {}

    /** Returns a reply with more header fields. Where both have a field, the one of the reply stays. */
    static Reply merge(Map<String, List<String>> more, Reply reply) {
        if (more.isEmpty()) {
            return reply;
        }
        Map<String, List<String>> all = new LinkedHashMap<>(more);
        all.keySet().removeIf(name -> reply.header(name) != null);
        all.putAll(reply.headers());
        return reply.withHeaders(all);
    }
}
