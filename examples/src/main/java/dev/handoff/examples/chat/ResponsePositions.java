// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.store.EventStream;
import dev.handoff.stream.Event;
import java.util.OptionalLong;

/** Finds the position of the event with a sequence number. */
final class ResponsePositions {

    private ResponsePositions() {}

    /**
     * Returns the position of an event; empty if the log has no such event. Each position is at least the sequence number, and exceeds it by
     * the number of fences before it. So this reads one event, and one more for each group of fences. Blocks until the store answers.
     */
    static OptionalLong find(EventStream stream, long sequenceNumber) {
        long after = sequenceNumber - 1;
        while (true) {
            EventStream.Batch batch = stream.read(after, 1);
            if (batch.events().isEmpty()) {
                if (batch.last() == after || batch.end() != null) {
                    return OptionalLong.empty();
                }
                after = batch.last();
                continue;
            }
            Event event = batch.events().get(0);
            long missing = sequenceNumber - ResponseEvents.sequenceNumber(ResponseEvents.parse(event.data()));
            if (missing <= 0) {
                return OptionalLong.of(event.position());
            }
            after = event.position() + missing - 1;
        }
    }
}
