// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.task.TaskOutput;
import java.time.Instant;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Emits the answer of a model as events. Each event is a {@code chat.completion.chunk}, and all have the same id, time and model. A model
 * that generates text calls {@link #begin}, {@link #say} and {@link #finish}. A model that already has chunks passes them to {@link
 * #relay}.
 *
 * <p>Only the thread of the model may call the methods, unless a method says otherwise. Methods that emit block while too many events wait
 * for the store, and throw {@link CancellationException} after the answer was cancelled.
 *
 * <p>The unit of usage is a word, as {@link Words} counts it.
 */
final class ChatAnswer {

    /**
     * Holds the fields that all chunks have in common.
     *
     * @param id the id of the answer
     * @param created when the answer began, in seconds since 1970
     * @param model the id of the model
     */
    private record Head(String id, long created, String model) {}

    private final ChatRequest request;
    private final TaskOutput output;
    private final Completion completion = new Completion();
    /** Also read by the thread that cancels. */
    private volatile Head head;
    /** Also read by the thread that cancels. The count of a cancelled answer may therefore miss its last word. */
    private final AtomicInteger words = new AtomicInteger();

    ChatAnswer(String taskId, ChatRequest request, TaskOutput output) {
        this.request = request;
        this.output = output;
        this.head = new Head("chatcmpl-" + taskId, Instant.now().getEpochSecond(), request.model());
    }

    /** Registers an action that runs when the answer is cancelled; see {@link TaskOutput#onCancel}. May be called by any thread. */
    void onCancel(Runnable action) {
        output.onCancel(action);
    }

    /** Emits the role before the first text, so that clients show that the model is working. */
    void begin() {
        ObjectNode delta = Json.object();
        delta.put("role", "assistant");
        delta.put("content", "");
        relay(chunk(delta, null));
    }

    void say(String text) {
        ObjectNode delta = Json.object();
        delta.put("content", text);
        relay(chunk(delta, null));
        words.addAndGet(Words.count(text));
    }

    void finish() {
        relay(chunk(Json.object(), "stop"));
        if (request.includeUsage()) {
            relay(usageChunk());
        } else {
            completion.usage(usage());
        }
    }

    /** Emits a chunk of another server unchanged. */
    void relay(ObjectNode chunk) {
        if (chunk.path("id").isTextual() && chunk.path("created").isIntegralNumber()) {
            head = new Head(
                    chunk.get("id").textValue(),
                    chunk.get("created").longValue(),
                    chunk.path("model").asText(request.model()));
        }
        output.emit(chunk.toString());
        completion.add(chunk);
    }

    /** Returns whether the model has given a reason to stop, so the answer is complete. */
    boolean finished() {
        return completion.finished();
    }

    /** Emits the last chunks of a cancelled answer. Called by the thread that cancels. */
    void cancel() {
        ObjectNode last = chunk(Json.object(), "stop");
        last.set("handoff", Json.object().put("cancelled", true));
        try {
            output.emit(last.toString());
            if (request.includeUsage()) {
                output.emit(usageChunk().toString());
            }
        } catch (CancellationException e) {
            // The stream has ended, because the task was cancelled before it began or the server is stopping.
        }
    }

    /** Returns the whole answer as a {@code chat.completion}. */
    ObjectNode toCompletion() {
        return completion.toJson();
    }

    private ObjectNode chunk(ObjectNode delta, @Nullable String finishReason) {
        ObjectNode choice = Json.object();
        choice.put("index", 0);
        choice.set("delta", delta);
        choice.putNull("logprobs");
        choice.put("finish_reason", finishReason);
        return envelope(Json.array().add(choice), NullNode.instance);
    }

    private ObjectNode usageChunk() {
        return envelope(Json.array(), usage());
    }

    private ObjectNode envelope(ArrayNode choices, JsonNode usage) {
        Head common = head;
        ObjectNode json = Json.object();
        json.put("id", common.id());
        json.put("object", "chat.completion.chunk");
        json.put("created", common.created());
        json.put("model", common.model());
        json.set("choices", choices);
        if (request.includeUsage()) {
            json.set("usage", usage);
        }
        return json;
    }

    private ObjectNode usage() {
        int prompt = request.words();
        int answer = words.get();
        ObjectNode usage = Json.object();
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", answer);
        usage.put("total_tokens", prompt + answer);
        return usage;
    }
}
