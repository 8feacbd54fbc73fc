// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Runs the tasks of the Responses API: calls the model that the request names. Thread-safe. */
final class ResponseHandler implements TaskHandler {

    /** The type of the tasks. */
    static final String TASK_TYPE = "response";

    private static final String CREATED = "created";

    private final ModelCatalog catalog;
    private final ResponseIds ids;
    private final Set<String> background = ConcurrentHashMap.newKeySet();

    ResponseHandler(ModelCatalog catalog, ResponseIds ids) {
        this.catalog = catalog;
        this.ids = ids;
    }

    /** Returns the task of a request that has arrived at a time, in seconds. */
    static Task task(ResponseRequest request, String body, long createdAt) {
        return Task.of(TASK_TYPE, body)
                .withFormat(request.mode().formatName())
                .withAttributes(Map.of(CREATED, Long.toString(createdAt)));
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        ResponseRequest request = ResponseRequest.parse(task.payload());
        String created = task.attributes().getOrDefault(CREATED, "0");
        ObjectNode begun = request.response(ids.of(task.id()), Long.parseLong(created), "in_progress");
        ResponseAnswer answer = new ResponseAnswer(task.id(), request, begun, output);
        boolean unattended = request.mode() == ResponseMode.BACKGROUND && background.add(task.id());
        try {
            answer.generate(() -> catalog.source(request.chat().model())
                    .answer(request.chat(), new ChatAnswer(task.id(), request.chat(), answer)));
        } finally {
            if (unattended) {
                background.remove(task.id());
            }
        }
    }

    /**
     * Begins to report to the dispatcher once a second that the running background responses have a reader, so that it does not cancel them.
     *
     * @param executor makes the reports, each of which may block as long as the dispatcher does
     */
    @SuppressWarnings("FutureReturnValueIgnored")
    void reportBackground(TaskDispatcher dispatcher, ScheduledExecutorService timer, Executor executor) {
        Runnable report = () -> dispatcher.reportReaders(Set.copyOf(background));
        timer.scheduleWithFixedDelay(
                () -> {
                    if (!background.isEmpty()) {
                        executor.execute(report);
                    }
                },
                1,
                1,
                TimeUnit.SECONDS);
    }
}
