// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Holds the query of a request that retrieves a response.
 *
 * @param stream whether the client wants the events
 * @param startingAfter the sequence number of the last event that the client has; empty if it wants all events
 */
record ResponseQuery(boolean stream, OptionalLong startingAfter) {

    /**
     * Reads a query. Unknown parameters are ignored.
     *
     * @throws ProblemException with status 400 if a value is not valid
     */
    static ResponseQuery of(@Nullable String query) {
        boolean stream = false;
        OptionalLong startingAfter = OptionalLong.empty();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            String[] parts = pair.split("=", 2);
            String value = parts.length == 1 ? "" : parts[1];
            if (parts[0].equals("stream")) {
                stream = flag(value);
            } else if (parts[0].equals("starting_after")) {
                startingAfter = OptionalLong.of(number(value));
            }
        }
        return new ResponseQuery(stream, startingAfter);
    }

    private static boolean flag(String value) {
        if (!value.equalsIgnoreCase("true") && !value.equalsIgnoreCase("false")) {
            throw OpenAiErrors.invalid("stream", "is neither true nor false.");
        }
        return value.equalsIgnoreCase("true");
    }

    private static long number(String value) {
        if (!value.matches("[0-9]{1,15}")) {
            throw OpenAiErrors.invalid("starting_after", "is not a whole number of 0 or more.");
        }
        return Long.parseLong(value);
    }
}
