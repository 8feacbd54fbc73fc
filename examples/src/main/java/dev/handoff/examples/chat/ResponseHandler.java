// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.Map;

/** Runs the tasks of the Responses API: calls the model that the request names. Thread-safe. */
final class ResponseHandler implements TaskHandler {

    /** The type of the tasks. */
    static final String TASK_TYPE = "response";

    private static final String CREATED = "created";

    private final ModelCatalog catalog;
    private final ResponseIds ids;

    ResponseHandler(ModelCatalog catalog, ResponseIds ids) {
        this.catalog = catalog;
        this.ids = ids;
    }

    /** Returns the task of a request that has arrived at a time, in seconds. */
    static Task task(ResponseRequest request, String body, long createdAt) {
        Task task = Task.of(TASK_TYPE, body)
                .withFormat(request.mode().formatName())
                .withAttributes(Map.of(CREATED, Long.toString(createdAt)));
        return request.mode() == ResponseMode.BACKGROUND ? task.inBackground() : task;
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        ResponseRequest request = ResponseRequest.parse(task.payload());
        String created = task.attributes().getOrDefault(CREATED, "0");
        ObjectNode begun = request.response(ids.of(task.id()), Long.parseLong(created), "in_progress");
        ResponseAnswer answer = new ResponseAnswer(task.id(), request, begun, output);
        answer.generate(() -> catalog.source(request.chat().model())
                .answer(request.chat(), new ChatAnswer(task.id(), request.chat(), answer)));
    }
}
