// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.task.Task;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The bytes that tasks and their records take on the heap, as heap histograms of 64-bit JVMs show them. */
final class TaskBytes {

    /** A task with its run, without its texts. */
    private static final int TASK = 1408;

    /** The record of a task that has ended, with its entries in the maps and the queue, without its texts. */
    private static final int RECORD = 768;

    /** An attribute: two strings, and a place in the map. Counted in characters. */
    private static final int ATTRIBUTE_CHARS = 64;

    private TaskBytes() {}

    /** Returns the bytes of a task that is queued or running. */
    static long ofTask(Task task) {
        long chars = (long) task.payload().length() + lengthOf(task.subject()) + lengthOf(task.idempotencyKey());
        for (Map.Entry<String, String> attribute : task.attributes().entrySet()) {
            chars += attribute.getKey().length() + attribute.getValue().length() + ATTRIBUTE_CHARS;
        }
        return TASK + 2 * chars;
    }

    /** Returns the bytes of the record of a task that has ended. */
    static long ofRecord(@Nullable String subject) {
        return RECORD + 2L * lengthOf(subject);
    }

    private static int lengthOf(@Nullable String text) {
        return text == null ? 0 : text.length();
    }
}
