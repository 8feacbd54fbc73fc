// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.format.StreamFormat;
import dev.handoff.store.StreamId;
import dev.handoff.token.PartsDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Describes work that a request asks for. Immutable. Create a task with {@link #of} and the methods that return a changed copy. When a
 * component is added, the constructor changes and these methods stay as they are.
 *
 * <pre>{@code
 * Task task = Task.of("report", request.body())
 *         .withFormat("result")
 *         .withAttributes(Map.of("language", "en"));
 * }</pre>
 *
 * @param id the id of the task and of its stream: 32 lower-case hexadecimal digits
 * @param type the name under which a {@link TaskHandler} is registered for this task
 * @param payload the input of the handler: any text, JSON by convention
 * @param attributes further input of the handler, such as a trace context. A retry may have other attributes than the first request
 * @param subject the user that requested the task; null if unknown. Only requests of the same subject are led back to the stream
 * @param idempotencyKey the key that the client sends with a request and its retries; null if there is none
 * @param format the name of the {@link StreamFormat} in which the client reads the stream
 * @param background whether nobody needs to read the stream while the task waits or runs. A dispatcher that cancels tasks without readers
 *     does not cancel this one
 */
public record Task(
        String id,
        String type,
        String payload,
        Map<String, String> attributes,
        @Nullable String subject,
        @Nullable String idempotencyKey,
        String format,
        boolean background) {

    /**
     * Checks the parts and copies the attributes.
     *
     * @throws IllegalArgumentException if the id is not 32 lower-case hexadecimal digits
     */
    public Task {
        StreamId.require(id);
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(payload, "payload");
        Objects.requireNonNull(format, "format");
        attributes = Map.copyOf(attributes);
    }

    /**
     * Returns a new task with a random id of 128 bits, in the {@link StreamFormat#standard} format, without attributes, subject and
     * idempotency key. It is not in the background.
     */
    public static Task of(String type, String payload) {
        return new Task(
                StreamId.random(),
                type,
                payload,
                Map.of(),
                null,
                null,
                StreamFormat.standard().name(),
                false);
    }

    /** Returns the same task with these attributes instead of its own. */
    public Task withAttributes(Map<String, String> attributes) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format, background);
    }

    /** Returns the same task in another format. */
    public Task withFormat(String format) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format, background);
    }

    /** Returns the same task, which goes on without a reader. */
    public Task inBackground() {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format, true);
    }

    /**
     * Returns the same task, with the same id, for another subject and idempotency key.
     *
     * @param subject the user that requested the task; null if unknown
     * @param idempotencyKey the key of the request; null if there is none
     */
    public Task requestedBy(@Nullable String subject, @Nullable String idempotencyKey) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format, background);
    }

    /**
     * Returns the same task with another id. All retries of one request must have the same id.
     *
     * @throws IllegalArgumentException if the id is not 32 lower-case hexadecimal digits
     */
    public Task withId(String id) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format, background);
    }

    /**
     * Returns the SHA-256 hash of type and payload, in hexadecimal. If a task with the same id has another fingerprint, the client has used
     * an idempotency key for two different requests.
     */
    public String fingerprint() {
        return HexFormat.of().formatHex(PartsDigest.sha256(type, payload));
    }

    /** Returns the id, the type, the format and the length of the payload. Omits the rest, which may be private. */
    @Override
    public String toString() {
        return "Task[id=" + id + ", type=" + type + ", format=" + format + ", payload=" + payload.length()
                + " characters]";
    }
}
