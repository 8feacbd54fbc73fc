// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Adds the fields of a trace context to the claims of a token, if there is room for them. */
final class TraceClaims {

    /** The most claims that a {@link dev.handoff.token.Grant} can have. */
    private static final int MAX_CLAIMS = 16;
    /** The most bytes that the claims of a grant can have, with their names. */
    private static final int MAX_CLAIM_BYTES = 1024;
    /** The most bytes of a trace context in a token. Each byte makes the address of the stream longer. */
    private static final int MAX_TRACE_BYTES = 256;

    private TraceClaims() {}

    /**
     * Returns the claims of an application together with the fields of a trace context, in their order. Leaves out a field whose name the
     * application uses, and each field for which there is no room. So a trace context never makes a request fail.
     */
    static Map<String, String> with(Map<String, String> own, Map<String, String> fields) {
        Map<String, String> all = new LinkedHashMap<>(own);
        int room = Math.min(MAX_TRACE_BYTES, MAX_CLAIM_BYTES - length(own));
        for (Map.Entry<String, String> field : fields.entrySet()) {
            int length = length(field.getKey()) + length(field.getValue());
            if (length <= room && all.size() < MAX_CLAIMS && !all.containsKey(field.getKey())) {
                all.put(field.getKey(), field.getValue());
                room -= length;
            }
        }
        return all;
    }

    private static int length(Map<String, String> claims) {
        int length = 0;
        for (Map.Entry<String, String> claim : claims.entrySet()) {
            length += length(claim.getKey()) + length(claim.getValue());
        }
        return length;
    }

    private static int length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }
}
