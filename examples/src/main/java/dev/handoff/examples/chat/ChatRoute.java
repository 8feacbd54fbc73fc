package dev.handoff.examples.chat;

import dev.handoff.http.HandoffRequest;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/** Makes a task of each request that can be served, and refuses the others before anything is accepted. Thread-safe. */
final class ChatRoute implements HandoffRoute {

    private static final Duration JOIN_RETRIES_WITHIN = Duration.ofMinutes(1);

    private final ModelCatalog catalog;

    ChatRoute(ModelCatalog catalog) {
        this.catalog = catalog;
    }

    /** SDKs of OpenAI mark the requests that they send again after a time-out, which would be paid for twice. */
    @Override
    public Duration joinRetriesWithin() {
        return JOIN_RETRIES_WITHIN;
    }

    @Override
    public Optional<Task> route(HandoffRequest request) {
        ChatRequest chat = ChatRequest.parse(request.body());
        catalog.source(chat.model()).check(chat);
        return Optional.of(Task.of(ChatHandler.TASK_TYPE, chat.body())
                .withFormat(chat.stream() ? OpenAiFormat.NAME : OpenAiResultFormat.NAME));
    }
}
