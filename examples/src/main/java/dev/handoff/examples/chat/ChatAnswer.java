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
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Emits the answer of a model as events. Each event is a {@code chat.completion.chunk}, and all have the same id, time and model. A model
 * that generates text calls {@link #begin}, {@link #say} and {@link #finish}. A model that calls a function calls {@link #beginCall}, {@link
 * #addArguments} and {@link #finish}. All choices of such an answer are equal. A model that already has chunks passes them to {@link
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
    private final Completion completion;
    private final String callId;
    /** Also read by the thread that cancels. */
    private volatile Head head;
    /** Also read by the thread that cancels. The count of a cancelled answer may therefore miss its last word. */
    private final AtomicInteger words = new AtomicInteger();

    ChatAnswer(String taskId, ChatRequest request, TaskOutput output) {
        this.request = request;
        this.output = output;
        this.completion = new Completion(request.options().choices());
        // Clients send the id back, and OpenAI's API allows 40 characters.
        this.callId = "call_" + taskId.substring(0, Math.min(taskId.length(), 24));
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
        relayToAll(choice -> delta);
    }

    /** Emits the role and the name of the function that the model calls. */
    void beginCall(String function) {
        relayToAll(choice -> {
            ObjectNode call = Json.object();
            call.put("index", 0);
            call.put("id", callId + choice);
            call.put("type", "function");
            call.putObject("function").put("name", function).put("arguments", "");
            ObjectNode delta = Json.object();
            delta.put("role", "assistant");
            delta.putNull("content");
            delta.putArray("tool_calls").add(call);
            return delta;
        });
    }

    void say(String text) {
        ChatOptions options = request.options();
        ObjectNode delta = Json.object();
        delta.put("content", text);
        JsonNode logprobs = options.logprobs() ? Logprobs.of(text, options.topLogprobs()) : NullNode.instance;
        for (int choice = 0; choice < options.choices(); choice++) {
            relay(chunk(choice, delta, logprobs, null));
        }
        count(text);
    }

    /** Emits a part of the arguments of the called function. */
    void addArguments(String json) {
        ObjectNode call = Json.object();
        call.put("index", 0);
        call.putObject("function").put("arguments", json);
        ObjectNode delta = Json.object();
        delta.putArray("tool_calls").add(call);
        relayToAll(choice -> delta);
        count(json);
    }

    private void relayToAll(IntFunction<ObjectNode> delta) {
        for (int choice = 0; choice < request.options().choices(); choice++) {
            relay(chunk(choice, delta.apply(choice), NullNode.instance, null));
        }
    }

    private void count(String text) {
        words.addAndGet(Words.count(text) * request.options().choices());
    }

    void finish() {
        finish("stop");
    }

    /**
     * Emits the last chunks.
     *
     * @param reason why the model stops: {@code stop}, {@code length} or {@code tool_calls}
     */
    void finish(String reason) {
        for (int choice = 0; choice < request.options().choices(); choice++) {
            relay(chunk(choice, Json.object(), NullNode.instance, reason));
        }
        if (request.includeUsage()) {
            relay(usageChunk());
        } else {
            completion.usage(usage());
        }
    }

    private void relay(ObjectNode chunk) {
        relay(chunk, chunk.toString());
    }

    /**
     * Emits a chunk of another server.
     *
     * @param text the JSON of the chunk, which is emitted unchanged
     */
    void relay(ObjectNode chunk, String text) {
        if (chunk.path("id").isTextual() && chunk.path("created").isIntegralNumber()) {
            head = new Head(
                    chunk.get("id").textValue(),
                    chunk.get("created").longValue(),
                    chunk.path("model").asText(request.model()));
        }
        output.emit(text);
        completion.add(chunk);
    }

    /** Returns whether the model has given a reason to stop for each requested choice, so the answer is complete. */
    boolean finished() {
        return completion.finished();
    }

    /** Returns whether the model has given a reason to stop for each choice that it has begun. Some servers ignore {@code n}. */
    boolean finishedAllBegun() {
        return completion.finishedAllBegun();
    }

    /** Emits the last chunks of a cancelled answer. Called by the thread that cancels. */
    void cancel() {
        try {
            for (int choice = 0; choice < request.options().choices(); choice++) {
                ObjectNode last = chunk(choice, Json.object(), NullNode.instance, "stop");
                last.set("handoff", Json.object().put("cancelled", true));
                output.emit(last.toString());
            }
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

    private ObjectNode chunk(int index, ObjectNode delta, JsonNode logprobs, @Nullable String finishReason) {
        ObjectNode choice = Json.object();
        choice.put("index", index);
        choice.set("delta", delta);
        choice.set("logprobs", logprobs);
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
