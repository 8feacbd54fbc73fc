// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.HandoffRequest;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/** Creates a task for each valid request, and refuses other requests before a task starts. Thread-safe. */
final class ChatRoute implements HandoffRoute {

    static final Duration JOIN_RETRIES_WITHIN = Duration.ofMinutes(1);

    private final ModelCatalog catalog;

    ChatRoute(ModelCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * How long retries are joined. The SDKs of OpenAI mark a request that they repeat after a time-out. Without joining, the model would
     * answer twice.
     */
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
