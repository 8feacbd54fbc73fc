// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.ProblemException;
import dev.handoff.task.TaskOutput;
import java.time.Instant;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Receives the chunks of a chat completion and emits the events of a response. It emits each event except the last one, which is the result
 * of the task. If the task is cancelled or fails, {@link ResponseStreams} makes the last event.
 *
 * <p>Only the thread of the handler emits, so only {@link #cancelled} and {@link #onCancel} may be called by other threads.
 */
final class ResponseAnswer implements TaskOutput {

    private static final int MAX_CHARS = 16 << 20;

    /** Thrown to stop a model that generates more than the request allows. */
    private static final class LimitReached extends RuntimeException {

        private static final long serialVersionUID = 1;

        LimitReached() {
            super("the limit of output tokens is reached", null, false, false);
        }
    }

    /** A call of a model. */
    interface Generation {
        /** Generates the answer. Blocks until it is complete. */
        void run() throws Exception;
    }

    private final TaskOutput output;
    private final ObjectNode response;
    private final String messageId;
    private final OptionalInt maxOutputTokens;
    private final int inputWords;
    private final StringBuilder text = new StringBuilder();
    private long emitted;
    private int words;
    private boolean opened;
    private @Nullable String finishReason;
    private @Nullable JsonNode usage;

    /** @param response the response at its beginning */
    ResponseAnswer(String taskId, ResponseRequest request, ObjectNode response, TaskOutput output) {
        this.output = output;
        this.response = response;
        this.messageId = ResponseEvents.messageId(taskId);
        this.maxOutputTokens = request.maxOutputTokens();
        this.inputWords = request.chat().words();
    }

    /** Emits the first events, has the model generate the answer, and sets the last event. */
    void generate(Generation model) throws Exception {
        emitEvent(ResponseEvents.event("response.created", emitted, response));
        emitEvent(ResponseEvents.event("response.in_progress", emitted, response));
        try {
            model.run();
        } catch (LimitReached e) {
            finishReason = "length";
        }
        finish();
    }

    @Override
    public void emit(@Nullable String type, String data) {
        ObjectNode chunk = ResponseEvents.parse(data);
        if (chunk.path("usage").isObject()) {
            usage = chunk.get("usage");
        }
        for (JsonNode choice : chunk.path("choices")) {
            if (choice.path("index").intValue() == 0) {
                say(choice.path("delta").path("content").asText(""));
                finishReason = choice.path("finish_reason").asText(finishReason);
            }
        }
    }

    private void say(String delta) {
        if (delta.isEmpty()) {
            return;
        }
        int more = Words.count(delta);
        if (words + more > maxOutputTokens.orElse(Integer.MAX_VALUE)) {
            throw new LimitReached();
        }
        if (text.length() + delta.length() > MAX_CHARS) {
            throw new ProblemException(
                    500, "answer_too_long", "The answer is longer than " + MAX_CHARS + " characters.");
        }
        open();
        words += more;
        text.append(delta);
        ObjectNode event = ofPart(ResponseEvents.DELTA);
        event.put("delta", delta);
        event.set("logprobs", Json.array());
        emitEvent(event);
    }

    /** Emits the beginning of the message before its first text. */
    private void open() {
        if (opened) {
            return;
        }
        opened = true;
        emitItem("response.output_item.added", ResponseEvents.message(messageId, "in_progress", null));
        emitPart("response.content_part.added", "");
    }

    private void finish() {
        open();
        String whole = text.toString();
        ObjectNode textDone = ofPart("response.output_text.done");
        textDone.put("text", whole);
        textDone.set("logprobs", Json.array());
        emitEvent(textDone);
        emitPart("response.content_part.done", whole);
        String reason = incompleteReason();
        String status = reason == null ? "completed" : "incomplete";
        ObjectNode message = ResponseEvents.message(messageId, status, whole);
        emitItem("response.output_item.done", message);
        ObjectNode ended = response.deepCopy();
        ended.put("status", status);
        if (reason == null) {
            ended.put("completed_at", Instant.now().getEpochSecond());
        } else {
            ended.putObject("incomplete_details").put("reason", reason);
        }
        ended.set("output", Json.array().add(message));
        ended.set("usage", usage());
        output.complete(
                ResponseEvents.event("response." + status, emitted, ended).toString());
    }

    /** Returns why the text is incomplete; null if it is complete. */
    private @Nullable String incompleteReason() {
        if ("length".equals(finishReason)) {
            return "max_output_tokens";
        }
        return "content_filter".equals(finishReason) ? finishReason : null;
    }

    private ObjectNode usage() {
        JsonNode counted = usage == null ? Json.object() : usage;
        int input = counted.path("prompt_tokens").asInt(inputWords);
        int answer = counted.path("completion_tokens").asInt(words);
        ObjectNode json = Json.object();
        json.put("input_tokens", input);
        json.putObject("input_tokens_details")
                .put(
                        "cached_tokens",
                        counted.at("/prompt_tokens_details/cached_tokens").asInt())
                .put("cache_write_tokens", 0);
        json.put("output_tokens", answer);
        json.putObject("output_tokens_details")
                .put(
                        "reasoning_tokens",
                        counted.at("/completion_tokens_details/reasoning_tokens")
                                .asInt());
        json.put("total_tokens", input + answer);
        return json;
    }

    private ObjectNode ofPart(String type) {
        ObjectNode event = ResponseEvents.event(type, emitted);
        event.put("item_id", messageId);
        event.put("output_index", 0);
        event.put("content_index", 0);
        return event;
    }

    private void emitPart(String type, String partText) {
        ObjectNode event = ofPart(type);
        event.set("part", ResponseEvents.part(partText));
        emitEvent(event);
    }

    private void emitItem(String type, ObjectNode item) {
        ObjectNode event = ResponseEvents.event(type, emitted);
        event.put("output_index", 0);
        event.set("item", item);
        emitEvent(event);
    }

    private void emitEvent(ObjectNode event) {
        output.emit(event.path("type").asText(), event.toString());
        emitted++;
    }

    /** Ignores the chat completion, because the result of the task is the last event of the response. */
    @Override
    public void complete(String result) {}

    @Override
    public boolean cancelled() {
        return output.cancelled();
    }

    @Override
    public void onCancel(Runnable action) {
        output.onCancel(action);
    }
}
