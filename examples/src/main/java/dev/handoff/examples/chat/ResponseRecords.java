// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.store.EventStore;
import dev.handoff.store.StaleWriterException;
import dev.handoff.store.StreamId;
import dev.handoff.stream.End;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

/**
 * Stores facts of a response that are not in its stream: what was requested, before a worker begins, and that the response was deleted. Each
 * fact is a stream of its own that has only an end. Its id derives from the id of the task, so each server finds it.
 *
 * <p>Thread-safe. Blocks until the store answers.
 */
record ResponseRecords(EventStore store) {

    /** Stores a response that waits for a worker. Does nothing if it is known already, because the client has repeated its request. */
    void keepQueued(String taskId, ObjectNode response) {
        keep(id("queued", taskId), response.toString());
    }

    /** Returns the response as it was when it was queued; empty if it was not stored or is no longer kept. */
    Optional<ObjectNode> queued(String taskId) {
        Optional<End> end = store.open(id("queued", taskId)).end();
        return end.map(e -> e instanceof End.Completed completed ? completed.result() : null)
                .map(ResponseEvents::parse);
    }

    void delete(String taskId) {
        keep(id("deleted", taskId), "{}");
    }

    boolean isDeleted(String taskId) {
        return store.open(id("deleted", taskId)).end().isPresent();
    }

    private void keep(String streamId, String fact) {
        try {
            store.appender(streamId, 1).end(End.completed(fact));
        } catch (StaleWriterException e) {
            // The fact is stored already.
        }
    }

    private static String id(String fact, String taskId) {
        try {
            MessageDigest hash = MessageDigest.getInstance("SHA-256");
            return StreamId.from(hash.digest((fact + ' ' + taskId).getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
