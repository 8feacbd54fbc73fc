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
 * Work that a request asks for. Make it by {@link #of} and the other methods, which stay when a part is added; the constructor then changes.
 *
 * <pre>{@code
 * Task task = Task.of("report", request.body())
 *         .withFormat("result")
 *         .withAttributes(Map.of("language", "en"));
 * }</pre>
 *
 * @param id names the task and its stream: 32 lower-case hexadecimal digits
 * @param type names the {@link TaskHandler} that does it
 * @param payload what the handler is given, any text, JSON by convention
 * @param attributes more for the handler, such as a trace context; does not count when a retry is compared with the first
 *     request
 * @param subject who asked, or null if nobody is known; only the same subject is led back to the stream
 * @param idempotencyKey the key by which the client marks a retry, or null
 * @param format the name of the {@link StreamFormat} in which the one who asked reads the stream
 */
public record Task(
        String id,
        String type,
        String payload,
        Map<String, String> attributes,
        @Nullable String subject,
        @Nullable String idempotencyKey,
        String format) {

    /**
     * Checks the parts and copies the attributes.
     *
     * @throws IllegalArgumentException if the id is none
     */
    public Task {
        StreamId.require(id);
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(payload, "payload");
        Objects.requireNonNull(format, "format");
        attributes = Map.copyOf(attributes);
    }

    /** A new task with an id of 128 random bits, to be read in the {@link StreamFormat#standard} format. */
    public static Task of(String type, String payload) {
        return new Task(
                StreamId.random(),
                type,
                payload,
                Map.of(),
                null,
                null,
                StreamFormat.standard().name());
    }

    /** The same task with other attributes. */
    public Task withAttributes(Map<String, String> attributes) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format);
    }

    /** The same task, to be read in another format. */
    public Task withFormat(String format) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format);
    }

    /** Returns the same task, requested by a subject, with an idempotency key or without. The id stays. */
    public Task requestedBy(@Nullable String subject, @Nullable String idempotencyKey) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format);
    }

    /**
     * Returns the same task with another id. All retries of one request must have the same id.
     *
     * @throws IllegalArgumentException if the id is not 32 lower-case hexadecimal digits
     */
    public Task withId(String id) {
        return new Task(id, type, payload, attributes, subject, idempotencyKey, format);
    }

    /** A hash of type and payload: two tasks with the same id and other fingerprints are a misused idempotency key. */
    public String fingerprint() {
        return HexFormat.of().formatHex(PartsDigest.sha256(type, payload));
    }

    /** Leaves out the payload, which may be private. */
    @Override
    public String toString() {
        return "Task[id=" + id + ", type=" + type + ", format=" + format + ", payload=" + payload.length()
                + " characters]";
    }
}
