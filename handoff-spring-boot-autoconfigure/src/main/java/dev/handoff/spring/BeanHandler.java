// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * Calls a handler bean. It gets the bean from Spring only when a task runs, because the bean may depend on the {@link dev.handoff.Handoff},
 * which depends on this handler.
 */
final class BeanHandler implements TaskHandler {

    private final Supplier<TaskHandler> bean;

    BeanHandler(Supplier<TaskHandler> bean) {
        this.bean = bean;
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        bean.get().handle(task, output);
    }

    @Override
    public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        return bean.get().start(task, output);
    }
}
