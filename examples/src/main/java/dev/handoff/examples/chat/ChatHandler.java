// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;

/** Runs the tasks of the chat service: calls the model that the request names. Thread-safe. */
final class ChatHandler implements TaskHandler {

    /** The type of the tasks. */
    static final String TASK_TYPE = "chat";

    private final ModelCatalog catalog;

    ChatHandler(ModelCatalog catalog) {
        this.catalog = catalog;
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        ChatRequest request = ChatRequest.parse(task.payload());
        ChatAnswer answer = new ChatAnswer(task.id(), request, output);
        output.onCancel(answer::cancel);
        catalog.source(request.model()).answer(request, answer);
        output.complete(answer.toCompletion().toString());
    }
}
