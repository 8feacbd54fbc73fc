// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.tail.TailPoller;
import java.util.List;

/** A change stream of a process: gives its tail the batches that a majority has stored, in their order, some time later. */
final class SimulatedFeed {

    private static final long REOPENS_AFTER_NANOS = 500_000_000L;
    private static final double NAMED_ONLY = 0.1;

    private final SimulatedCluster cluster;
    private final Simulation simulation;
    private final SimulatedProcess process;
    private final TailPoller tail;
    /** How often a change is not delivered. Servers do not do so, but the tail must not depend on it. */
    private final double lost;

    private int next;

    SimulatedFeed(SimulatedCluster cluster, SimulatedProcess process, TailPoller tail) {
        this.cluster = cluster;
        this.simulation = cluster.simulation();
        this.process = process;
        this.tail = tail;
        this.lost = simulation.chance(0.2) ? 0.1 : 0;
    }

    void start() {
        process.spawn("feed", () -> {
            while (true) {
                if (isAvailable()) {
                    follow();
                }
                simulation.sleep(REOPENS_AFTER_NANOS);
            }
        });
    }

    private boolean isAvailable() {
        Replica primary = cluster.primary();
        return primary != null
                && primary.isServing()
                && !cluster.isFrozen()
                && !cluster.network().isCut(process, primary);
    }

    private void follow() {
        next = cluster.committed().size();
        tail.feedOpened();
        try {
            while (true) {
                simulation.sleep(simulation.spread(1_000_000, 200_000_000));
                if (isAvailable()) {
                    tail.feedAnswered();
                    deliver();
                } else if (simulation.chance(0.1)) {
                    // Else the driver resumes where it was.
                    simulation.note("the change stream breaks");
                    return;
                }
            }
        } finally {
            tail.feedClosed();
        }
    }

    private void deliver() {
        List<Replica.Entry> committed = cluster.committed();
        while (next < committed.size()) {
            for (Documents.Change change : committed.get(next).changes()) {
                if (change instanceof Documents.PutEvents put && !simulation.chance(lost)) {
                    deliver(put.document().batch());
                }
            }
            next++;
        }
    }

    private void deliver(EventBatch batch) {
        if (!tail.isWatched(batch.stream()) || simulation.chance(NAMED_ONLY)) {
            tail.name(batch.stream());
        } else {
            tail.deliver(batch);
        }
    }
}
