// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;

/** Observes tasks on their way from the request to the handler, for example for traces. By default each method returns its argument. */
interface TaskDecorator {

    /** The decorator that changes nothing. */
    TaskDecorator NONE = new TaskDecorator() {};

    /** Returns a dispatcher that observes the tasks that it passes to the given one. */
    default TaskDispatcher dispatcher(TaskDispatcher dispatcher) {
        return dispatcher;
    }

    /** Returns a handler that observes the runs of the given one. */
    default TaskHandler handler(TaskHandler handler) {
        return handler;
    }
}
