// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.task.Task;
import io.micrometer.common.KeyValues;

/** Names the observations of tasks by the type of the task. After 100 types, all further types appear as {@code other}. Thread-safe. */
final class TaskLabels {

    /** The key of the id of a task, which is also the id of its stream. */
    static final String TASK_ID = "handoff.task.id";

    private final Capped<String> types = new Capped<>(type -> type);

    Observations.Label of(String name, String operation, Task task) {
        String type = types.get(task.type());
        return new Observations.Label(
                name,
                operation + ' ' + type,
                KeyValues.of("handoff.task.type", type),
                KeyValues.of(TASK_ID, task.id()));
    }
}
