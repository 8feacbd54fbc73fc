package dev.handoff.examples.chat;

import dev.handoff.HandoffRequest;
import dev.handoff.Task;
import dev.handoff.servlet.HandoffRoute;
import java.util.Optional;

/** Makes a task of each request that can be served, and refuses the others before anything is accepted. Thread-safe. */
final class ChatRoute implements HandoffRoute {

    private final ModelCatalog catalog;

    ChatRoute(ModelCatalog catalog) {
        this.catalog = catalog;
    }

    @Override
    public Optional<Task> route(HandoffRequest request) {
        ChatRequest chat = ChatRequest.parse(request.body());
        catalog.source(chat.model()).check(chat);
        return Optional.of(Task.of(ChatHandler.TASK_TYPE, request.body())
                .withFormat(chat.stream() ? OpenAiFormat.NAME : OpenAiResultFormat.NAME));
    }
}
