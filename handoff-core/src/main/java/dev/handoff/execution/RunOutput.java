// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import dev.handoff.task.TaskOutput;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The output that a handler is given. */
record RunOutput(RunState run) implements TaskOutput {

    private static final Set<String> RESERVED_TYPES =
            Set.of("completed", "cancelled", "failed", "interrupted", "error", "open");

    @Override
    public void emit(@Nullable String type, String data) {
        if (type != null && RESERVED_TYPES.contains(type)) {
            throw new IllegalArgumentException("event type \"" + type
                    + "\" is reserved: it shows the end of a stream, or is an event of EventSource itself");
        }
        run.append(type, data);
    }

    @Override
    public void complete(String result) {
        run.setResult(Objects.requireNonNull(result, "result"));
    }

    @Override
    public boolean cancelled() {
        return run.isStopped();
    }

    @Override
    public void onCancel(Runnable action) {
        run.onCancel(action);
    }
}
