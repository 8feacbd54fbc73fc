// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.database.TaskRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.bson.types.ObjectId;

/** What a server does with operations on events. */
final class ServerOperations {

    private ServerOperations() {}

    /** Inserts each batch by itself. The primary may step down between two of them. */
    static RemoteCall.Answer<List<InsertOutcome>> insert(
            SimulatedCluster cluster, Replica server, List<EventBatch> batches, long expireAt) {
        Simulation simulation = cluster.simulation();
        FaultRates faults = cluster.faults();
        int stepsDownAfter = simulation.chance(faults.stepDownInInsert)
                ? (int) simulation.between(0, batches.size() - 1L)
                : Integer.MAX_VALUE;
        List<InsertOutcome> outcomes = new ArrayList<>();
        List<InsertOutcome> inDoubt = new ArrayList<>();
        boolean changed = false;
        int length = server.length();
        for (EventBatch batch : batches) {
            if (outcomes.size() == stepsDownAfter) {
                cluster.stepDown(server);
            }
            InsertOutcome outcome;
            if (!server.isPrimary()) {
                outcome = new InsertOutcome(InsertOutcome.Kind.UNKNOWN, "10107: not primary");
            } else if (server.local().stream(batch.stream()).containsKey(batch.seq())) {
                outcome = new InsertOutcome(InsertOutcome.Kind.DUPLICATE, "11000: duplicate key");
            } else if (simulation.chance(faults.documentError)) {
                outcome = new InsertOutcome(InsertOutcome.Kind.UNKNOWN, "133: no primary found");
            } else {
                length = server.append(List.of(new Documents.PutEvents(new Documents.EventDocument(batch, expireAt))));
                changed = true;
                outcome = InsertOutcome.STORED;
            }
            outcomes.add(outcome);
            inDoubt.add(
                    outcome.kind() == InsertOutcome.Kind.STORED
                            ? new InsertOutcome(
                                    InsertOutcome.Kind.UNKNOWN, "64: waiting for replication was interrupted")
                            : outcome);
        }
        if (!cluster.settings().majorityWrites || !(changed || simulation.chance(0.5))) {
            return RemoteCall.Answer.now(outcomes);
        }
        // A server also waits for a majority if it has found nothing but duplicates, though not always.
        return server.isPrimary() ? new RemoteCall.Answer<>(outcomes, length, inDoubt) : RemoteCall.Answer.now(inDoubt);
    }

    static Map<Position, ObjectId> holders(Documents documents, Collection<Position> positions) {
        Map<Position, ObjectId> holders = new HashMap<>();
        for (Position position : positions) {
            Documents.EventDocument document =
                    documents.stream(position.stream()).get(position.seq());
            if (document != null) {
                holders.put(position, document.batch().id());
            }
        }
        return holders;
    }

    static Optional<EventBatch> lastBefore(Documents documents, String stream, long position) {
        return Optional.ofNullable(documents.stream(stream).lowerEntry(position))
                .map(e -> e.getValue().batch());
    }

    static List<EventBatch> read(Documents documents, String stream, long from, int maxEvents, long maxBytes) {
        List<EventBatch> found = new ArrayList<>();
        long count = 0;
        long bytes = 0;
        for (Documents.EventDocument document :
                documents.stream(stream).tailMap(from, true).values()) {
            if (count > maxEvents || bytes >= maxBytes) {
                break;
            }
            found.add(document.batch());
            count += document.batch().events().size();
            bytes += document.batch().bytes();
        }
        return found;
    }

    static TailFetch tails(Documents documents, Map<String, Long> from, long maxBytes) {
        List<EventBatch> batches = new ArrayList<>();
        long bytes = 0;
        for (Map.Entry<String, Long> each : new TreeMap<>(from).entrySet()) {
            NavigableMap<Long, Documents.EventDocument> rest =
                    documents.stream(each.getKey()).tailMap(each.getValue(), true);
            for (Documents.EventDocument document : rest.values()) {
                if (bytes < maxBytes) {
                    batches.add(document.batch());
                    bytes += document.batch().bytes();
                }
            }
        }
        return new TailFetch(batches, bytes >= maxBytes, Set.of());
    }

    /** Returns what an answer holds as text that is the same each time a simulation is repeated. */
    static String summary(Object answer) {
        if (answer instanceof Optional<?> optional) {
            return optional.map(ServerOperations::summary).orElse("none");
        }
        if (answer instanceof EventBatch batch) {
            return shortened(batch.stream()) + '@' + batch.seq() + (batch.fence() ? " fence" : "")
                    + (batch.end() == null ? "" : " end") + " of epoch " + batch.epoch();
        }
        if (answer instanceof TaskRecord task) {
            return shortened(task.id()) + ' ' + task.state() + " of epoch " + task.epoch();
        }
        if (answer instanceof HeldTask held) {
            return shortened(held.id()) + ' ' + held.state() + " of epoch " + held.epoch() + " with " + held.owner();
        }
        if (answer instanceof InsertOutcome outcome) {
            return outcome.kind().name();
        }
        if (answer instanceof TailFetch tails) {
            return summary(tails.batches());
        }
        if (answer instanceof Map<?, ?> map) {
            return map.size() + " entries";
        }
        if (answer instanceof Collection<?> all) {
            return all.size() > 8
                    ? all.size() + " values"
                    : all.stream().map(ServerOperations::summary).toList().toString();
        }
        return String.valueOf(answer);
    }

    /** Returns the part of an id that tells it from others in a simulation. */
    static String shortened(String id) {
        return id.length() > 6 ? id.substring(id.length() - 6) : id;
    }
}
