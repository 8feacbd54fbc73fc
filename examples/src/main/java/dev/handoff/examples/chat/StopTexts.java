// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.util.List;

/**
 * Finds the first complete one of several texts in a text that arrives in parts. It holds back the end of a part that may be the beginning of one of the
 * texts. Not thread-safe.
 */
final class StopTexts {

    private final List<String> stops;
    private final int longest;
    private final StringBuilder held = new StringBuilder();
    private boolean found;

    StopTexts(List<String> stops) {
        this.stops = stops;
        this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
    }

    /** Adds a part. Returns the text that is certainly before the first of the texts; empty if there is none. */
    String pass(String part) {
        held.append(part);
        int end = firstStop();
        found = end >= 0;
        String before = held.substring(0, found ? end : held.length() - possibleStop());
        held.delete(0, before.length());
        return before;
    }

    /** Returns whether one of the texts has been found. */
    boolean found() {
        return found;
    }

    /** Returns the text that was held back, after the last part. */
    String rest() {
        return found ? "" : held.toString();
    }

    /** Returns where the stop begins that is complete first; of several, the longest. Returns -1 if none is complete. */
    private int firstStop() {
        int first = -1;
        int firstEnd = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            int end = at + stop.length();
            if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
                first = at;
                firstEnd = end;
            }
        }
        return first;
    }

    /** Returns the length of the longest end of the text that is the beginning of a stop. */
    private int possibleStop() {
        for (int length = Math.min(longest - 1, held.length()); length > 0; length--) {
            String end = held.substring(held.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
                return length;
            }
        }
        return 0;
    }
}
