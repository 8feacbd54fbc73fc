// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.task.Task;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Describes what one stream of a storm emits: how many events per second, for how many seconds, of how many characters each. As a text it
 * is a query: {@code rate=10&seconds=5&payload=100}.
 *
 * @param rate events per second; 0 for a stream that only waits
 * @param seconds how long the stream emits
 * @param payload characters in each event
 */
record Storm(int rate, int seconds, int payload) {

    static final String PATH = "/storm";
    static final String TASK_TYPE = "storm";

    private static final Storm EXAMPLE = new Storm(10, 10, 100);

    Storm {
        require("rate", rate, 0, 1000);
        require("seconds", seconds, 1, 3600);
        require("payload", payload, 0, 1 << 20);
    }

    private static void require(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " is not from " + least + " to " + most + ": " + value);
        }
    }

    /**
     * Reads a query. The defaults are ten events per second, ten seconds and 100 characters.
     *
     * @throws IllegalArgumentException if a value is not a number or is out of range
     */
    static Storm parse(@Nullable String query) {
        Map<String, String> values = new HashMap<>();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            String[] sides = pair.split("=", 2);
            values.put(sides[0], sides.length == 1 ? "" : URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
        return new Storm(
                number(values, "rate", EXAMPLE.rate),
                number(values, "seconds", EXAMPLE.seconds),
                number(values, "payload", EXAMPLE.payload));
    }

    private static int number(Map<String, String> values, String name, int otherwise) {
        String value = values.get(name);
        try {
            return value == null ? otherwise : Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " is not a number: " + value, e);
        }
    }

    String query() {
        return "rate=" + rate + "&seconds=" + seconds + "&payload=" + payload;
    }

    Task task() {
        return Task.of(TASK_TYPE, query());
    }

    int events() {
        return rate * seconds;
    }

    /**
     * Returns an event that holds the time of its creation by {@link System#nanoTime}, which is the same clock for all processes of a Linux
     * machine.
     */
    static String event(long nanos, String filler) {
        return "{\"t\":" + nanos + ",\"c\":\"" + filler + "\"}";
    }

    String filler() {
        return "x".repeat(payload);
    }
}
