// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The actions that a handler has registered for the cancellation of its task. Not thread-safe, except for {@link #run}. */
final class CancelActions {

    private static final Logger logger = LoggerFactory.getLogger(TaskRun.class);

    private final String taskId;
    private List<Runnable> registered = new ArrayList<>();

    CancelActions(String taskId) {
        this.taskId = taskId;
    }

    void register(Runnable action) {
        registered.add(action);
    }

    /** Returns the actions in the order in which they were registered. After that no action can be registered. */
    List<Runnable> take() {
        List<Runnable> actions = registered;
        registered = List.of();
        return actions;
    }

    /** Runs an action. Throws nothing, since it is code of the application. */
    void run(Runnable action) {
        try {
            action.run();
        } catch (CancellationException e) {
            logger.debug("an onCancel action of task {} tried to emit after the stream had ended", taskId, e);
        } catch (Throwable e) {
            logger.warn("an onCancel action of task {} threw an exception", taskId, e);
        }
    }
}
