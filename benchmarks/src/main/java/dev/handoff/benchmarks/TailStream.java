// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

/**
 * Describes a stream whose events differ from all other events, because each begins with its number and the id of its stream.
 *
 * @param id the id of the stream
 * @param events how many events it has
 * @param eventBytes the bytes of each event, all of them ASCII
 */
record TailStream(String id, int events, int eventBytes) {

    /** The number, the id and the characters between them fit into this many bytes. */
    static final int LEAST_EVENT_BYTES = 50;

    private static final String FILLER = "abcdefghijklmnopqrstuvwxyz";

    /** Returns the event with a number. */
    String event(int number) {
        StringBuilder event = new StringBuilder(eventBytes);
        event.append(String.format("%09d", number)).append('@').append(id).append(':');
        while (event.length() < eventBytes) {
            event.append(FILLER, 0, Math.min(FILLER.length(), eventBytes - event.length()));
        }
        return event.toString();
    }
}
