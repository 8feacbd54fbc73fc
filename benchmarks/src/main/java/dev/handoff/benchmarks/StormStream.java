// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.nio.charset.StandardCharsets;

/**
 * The events of one stream, as one client reads them. It checks the position of each, also across connections. What is not as it
 * should be is counted, never smoothed over.
 */
final class StormStream {

    /** Counts what streams deliver. */
    interface Counter {

        /**
         * An event of the storm has arrived for the first time.
         *
         * @param nanos the time since it was made
         */
        void delivered(long nanos);

        /** So many positions are missing. */
        void gap(long events);

        /** An event has arrived again. */
        void duplicate();
    }

    private final Counter counter;
    private final Line line = new Line();

    // Of the event that is being read.
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

    /** Takes the next byte, which was read at {@code now}, by the clock that the events have. */
    void take(byte b, long now) {
        if (b == '\n') {
            onLine(now);
            line.clear();
        } else {
            line.append(b);
        }
    }

    /** Forgets the event that was not read whole: it comes again. */
    void forgetPart() {
        line.clear();
        hasData = false;
        named = false;
    }

    /** Returns the events of the storm that have arrived. */
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
