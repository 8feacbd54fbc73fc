// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.nio.charset.StandardCharsets;

/**
 * Parses the events of one stream as one client reads them. Checks the position of each event, also across connections, and counts each gap
 * and each duplicate.
 */
final class StormStream {

    /** Counts what streams deliver. */
    interface Counter {

        /**
         * Called when an event of the storm arrives for the first time.
         *
         * @param nanos the time since the event was created
         */
        void delivered(long nanos);

        /** Called when this many positions are missing. */
        void gap(long events);

        /** Called when an event arrives again. */
        void duplicate();
    }

    private final Counter counter;
    private final Line line = new Line();

    // The fields of the event that is being read.
    private boolean named;
    private boolean hasData;
    private long position = -1;
    private long madeAt;

    private String id = "";
    private long last = -1;
    private int events;
    private boolean ended;

    StormStream(Counter counter) {
        this.counter = counter;
    }

    /** Takes the next byte, which was read at {@code now}, by the clock of the events' times. */
    void take(byte b, long now) {
        if (b == '\n') {
            onLine(now);
            line.clear();
        } else {
            line.append(b);
        }
    }

    /** Forgets an event of which only a part has arrived, because the server sends it again. */
    void forgetPart() {
        line.clear();
        hasData = false;
        named = false;
    }

    /** Returns how many events of the storm have arrived. */
    int events() {
        return events;
    }

    /** Returns whether the stream has reported its completion. */
    boolean isEnded() {
        return ended;
    }

    /** Returns whether an entry has arrived, after which the stream can be resumed. */
    boolean isResumable() {
        return last >= 0;
    }

    /** Returns the id of the last entry, without its proof, which a reader with a token does not need. */
    String lastEventId() {
        return id + ':' + last;
    }

    private void onLine(long now) {
        if (line.isEmpty()) {
            if (hasData) {
                onEvent(now);
            }
            hasData = false;
            named = false;
        } else if (line.startsWith("id:")) {
            onId();
        } else if (line.startsWith("event:")) {
            named = true;
            ended |= line.text(StandardCharsets.UTF_8).endsWith("completed");
        } else if (line.startsWith("data:")) {
            hasData = true;
            madeAt = named ? 0 : line.numberAfter("\"t\":");
        }
    }

    private void onId() {
        // <stream>:<position>, then a proof.
        int colon = line.indexOf(':', 3);
        if (id.isEmpty()) {
            id = line.text(StandardCharsets.US_ASCII).substring(3, colon).strip();
        }
        position = line.number(colon + 1);
    }

    private void onEvent(long now) {
        if (position > last + 1) {
            counter.gap(position - last - 1);
        } else if (position <= last) {
            counter.duplicate();
            return;
        }
        last = position;
        if (!named) {
            events++;
            counter.delivered(now - madeAt);
        }
    }
}
