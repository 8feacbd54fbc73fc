// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.stream.End;
import org.jspecify.annotations.Nullable;

/** The bytes that streams take on the heap, as heap histograms of 64-bit JVMs show them. */
final class StreamBytes {

    /** The log with its lock, its first block, its entries in the map and the queue, its id, and its appender. */
    static final int STREAM = 896;

    /** The event and its slot in a block. */
    private static final int EVENT = 48;

    /** The string and its array, without characters. */
    private static final int TEXT = 56;

    private StreamBytes() {}

    /** Returns the bytes of an event. The type counts only if it is a text of its own. */
    static long ofEvent(@Nullable String ownType, String data) {
        return EVENT + ofText(data) + ofText(ownType);
    }

    /** Returns the bytes of the texts that an end keeps. */
    static long ofEnd(End end) {
        if (end instanceof End.Completed completed) {
            return ofText(completed.result());
        }
        return end instanceof End.Failed failed
                ? ofText(failed.problem().code()) + ofText(failed.problem().detail())
                : 0;
    }

    private static long ofText(@Nullable String text) {
        return text == null ? 0 : TEXT + 2L * text.length();
    }
}
