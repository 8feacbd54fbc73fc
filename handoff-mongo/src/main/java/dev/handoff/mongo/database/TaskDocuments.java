// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.task.TaskStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.bson.Document;
import org.jspecify.annotations.Nullable;

/**
 * Converts tasks to documents of the collection {@code handoff_tasks} and back:
 *
 * <pre>
 * { _id: task id, type, payload?, fingerprint, attributes: [ { name, value }, … ], subject?, key?, format,
 *   state: "queued" | "running" | "completed" | "failed" | "cancelled", epoch: int32, attempts: int32,
 *   worker?, cancel?: true, attended?: date, created: date, started?: date, ended?: date, expireAt?: date }
 * </pre>
 *
 * <p>Workers of version 0.1 also write {@code leaseUntil: date}.
 */
final class TaskDocuments {

    private TaskDocuments() {}

    static Document queued(TaskRecord task, Instant now) {
        List<Document> attributes = new ArrayList<>();
        // Attributes are an array, because their names may contain dots and dollar signs, which some servers refuse in
        // field names.
        task.attributes().forEach((name, value) -> attributes.add(new Document("name", name).append("value", value)));
        Document document = new Document("_id", task.id())
                .append("type", task.type())
                .append("payload", task.payload())
                .append("fingerprint", task.fingerprint())
                .append("attributes", attributes)
                .append("format", task.format())
                .append("state", name(TaskStatus.State.QUEUED))
                .append("epoch", 0)
                .append("attempts", 0)
                .append("created", Date.from(now));
        if (!task.background()) {
            document.append("attended", Date.from(now));
        }
        if (task.subject() != null) {
            document.append("subject", task.subject());
        }
        if (task.key() != null) {
            document.append("key", task.key());
        }
        return document;
    }

    static TaskRecord record(Document document) {
        Map<String, String> attributes = new HashMap<>();
        for (Document attribute : document.getList("attributes", Document.class, List.of())) {
            attributes.put(attribute.getString("name"), attribute.getString("value"));
        }
        return new TaskRecord(
                document.getString("_id"),
                document.getString("type"),
                Objects.requireNonNullElse(document.getString("payload"), ""),
                document.getString("fingerprint"),
                attributes,
                document.getString("subject"),
                document.getString("key"),
                document.getString("format"),
                !document.containsKey("attended"),
                state(document),
                document.getInteger("epoch"),
                document.getInteger("attempts"),
                document.getBoolean("cancel", false),
                document.getDate("created").toInstant(),
                instant(document.getDate("started")),
                instant(document.getDate("ended")));
    }

    static HeldTask held(Document document) {
        Date lease = document.getDate("leaseUntil");
        return HeldTask.of(document.getString("_id"), state(document), document.getInteger("epoch"))
                .withOwner(document.getString("worker"))
                .withCancel(document.getBoolean("cancel", false))
                .withLease(lease == null ? null : lease.getTime());
    }

    static String name(TaskStatus.State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    private static TaskStatus.State state(Document document) {
        return TaskStatus.State.valueOf(document.getString("state").toUpperCase(Locale.ROOT));
    }

    private static @Nullable Instant instant(@Nullable Date date) {
        return date == null ? null : date.toInstant();
    }
}
