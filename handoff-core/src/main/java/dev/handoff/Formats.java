// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import java.util.Map;

/** The stream formats that this server knows, by name. */
record Formats(Map<String, StreamFormat> byName) {

    Formats {
        byName = Map.copyOf(byName);
    }

    /**
     * Checks that this server knows the format of a new task.
     *
     * @throws IllegalArgumentException if it does not
     */
    void require(String name) {
        if (!byName.containsKey(name)) {
            throw new IllegalArgumentException("no stream format has the name " + name + ", only " + byName.keySet());
        }
    }

    /**
     * Returns the format of a task that was accepted, perhaps by a server that knows more formats.
     *
     * @throws ProblemException with status 503 if this server does not know it
     */
    StreamFormat ofAccepted(String name) {
        StreamFormat format = byName.get(name);
        if (format == null) {
            throw ProblemCode.UNKNOWN_FORMAT.exception("This server does not know the format \"" + name + "\".");
        }
        return format;
    }
}
