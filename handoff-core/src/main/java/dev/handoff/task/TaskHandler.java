package dev.handoff.task;

import dev.handoff.http.ProblemException;

/**
 * The application's code: does the work of a task. Returning ends the stream well; throwing ends it with an error, with the
 * problem of a {@link ProblemException}, else with {@code handler_failed} and no word of the exception, which is logged.
 */
@FunctionalInterface
public interface TaskHandler {

    /**
     * Does the work, on a thread of the dispatcher's executor. May block.
     *
     * @throws Exception if the task failed
     */
    void handle(Task task, TaskOutput output) throws Exception;
}
