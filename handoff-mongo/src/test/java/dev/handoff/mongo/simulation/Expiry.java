// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Deletes expired documents, as a server does that has TTL indexes. */
final class Expiry {

    private static final double DELETED = 0.7;

    private Expiry() {}

    /** Deletes some expired documents once in a while. */
    static void repeat(SimulatedCluster cluster) {
        long interval = Math.min(
                Duration.ofSeconds(60).toNanos(),
                cluster.settings().eventRetention.toNanos() / 4);
        Simulation simulation = cluster.simulation();
        simulation.schedule(simulation.between(interval / 2, interval), () -> {
            Replica primary = cluster.primary();
            if (primary != null && !cluster.isFrozen()) {
                deleteSome(primary, simulation);
            }
            repeat(cluster);
        });
    }

    /** Deletes some of the documents that have expired, of any collection. */
    private static void deleteSome(Replica primary, Simulation simulation) {
        long now = primary.clock(simulation.now());
        List<Documents.Change> changes = new ArrayList<>();
        changes.addAll(expiredEvents(primary.local(), now));
        changes.addAll(expiredTasks(primary.local(), now));
        changes.addAll(expiredWorkers(primary.local(), now));
        changes.removeIf(c -> !simulation.chance(DELETED));
        if (!changes.isEmpty()) {
            primary.append(List.copyOf(changes));
        }
    }

    static List<Documents.Change> expiredEvents(Documents documents, long before) {
        List<Documents.Change> changes = new ArrayList<>();
        // The order of the streams must not depend on their hash.
        new java.util.TreeMap<>(documents.streams())
                .forEach((stream, batches) -> batches.forEach((seq, document) -> {
                    if (document.expireAt() < before) {
                        changes.add(new Documents.DeleteEvents(stream, seq));
                    }
                }));
        return changes;
    }

    static List<Documents.Change> expiredTasks(Documents documents, long before) {
        List<Documents.Change> changes = new ArrayList<>();
        documents
                .tasks(t -> t.expireAt() != null && t.expireAt() < before)
                .forEach(t -> changes.add(new Documents.DeleteTask(t.task().id())));
        return changes;
    }

    static List<Documents.Change> expiredWorkers(Documents documents, long before) {
        List<Documents.Change> changes = new ArrayList<>();
        for (Map.Entry<String, Documents.WorkerDocument> worker :
                documents.workers().entrySet()) {
            if (worker.getValue().expireAt() < before) {
                changes.add(new Documents.DeleteWorker(worker.getKey()));
            }
        }
        return changes;
    }
}
