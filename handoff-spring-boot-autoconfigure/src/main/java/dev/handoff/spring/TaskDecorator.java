// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;

/** Observes tasks on their way from the request to the handler, for example for traces. Each method returns what it is given by default. */
interface TaskDecorator {

    /** The decorator that changes nothing. */
    TaskDecorator NONE = new TaskDecorator() {};

    /** Returns a dispatcher that observes the tasks that it passes to another one. */
    default TaskDispatcher dispatcher(TaskDispatcher dispatcher) {
        return dispatcher;
    }

    /** Returns a handler that observes the runs of another one. */
    default TaskHandler handler(TaskHandler handler) {
        return handler;
    }
}
