// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import org.jspecify.annotations.Nullable;

/** The writer of a stream with one epoch. */
record MemoryAppender(StreamLog log, int epoch) implements EventAppender {

    @Override
    public long append(@Nullable String type, String data) {
        return log.append(epoch, type, data);
    }

    /** Does nothing for the current writer: an event is stored as soon as it is appended. */
    @Override
    public void flush() {
        log.requireEpoch(epoch);
    }

    @Override
    public void end(End end) {
        log.end(epoch, end);
    }
}
