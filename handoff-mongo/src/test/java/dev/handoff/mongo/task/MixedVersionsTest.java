// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Updates;
import dev.handoff.store.EventAppender;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Date;
import org.bson.Document;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Processes of version 0.1, whose leases are times of their clocks, beside those of this version. */
@Timeout(60)
class MixedVersionsTest extends WorkerFixture {

    private MongoCollection<Document> tasks;

    @BeforeEach
    void tasks() {
        tasks = mongo.database.getCollection(MongoTaskQueue.COLLECTION);
    }

    /** What a worker of version 0.1 does to claim a task. */
    private void oldClaim(Task task, Duration clockError) {
        tasks.updateOne(
                Filters.and(Filters.eq(task.id()), Filters.eq("state", "queued")),
                Updates.combine(
                        Updates.inc("epoch", 1),
                        Updates.inc("attempts", 1),
                        Updates.set("state", "running"),
                        Updates.set("worker", "old"),
                        Updates.set("leaseUntil", oldLease(clockError))));
    }

    private void oldRenewal(Task task, Duration clockError) {
        tasks.updateMany(
                Filters.and(Filters.in("_id", task.id()), Filters.eq("worker", "old"), Filters.eq("state", "running")),
                Updates.set("leaseUntil", oldLease(clockError)));
    }

    private static Date oldLease(Duration clockError) {
        return Date.from(clock.instant().plus(clockError).plus(LEASE));
    }

    /** How many tasks a sweep of version 0.1 would take. */
    private long oldSweep(Duration clockError) {
        return tasks.countDocuments(Filters.and(
                Filters.eq("state", "running"),
                Filters.lt("leaseUntil", Date.from(clock.instant().plus(clockError)))));
    }

    @Test
    @DisplayName(
            "R11 an old worker with any clock keeps its task while it renews, and loses it a lease after the last renewal")
    void oldWorker() {
        for (Duration error : new Duration[] {Duration.ZERO, Duration.ofHours(-1), Duration.ofHours(1)}) {
            Node node = new Node();
            Task task = dispatched(node);
            oldClaim(task, error);
            EventAppender appender = node.store.appender(task.id(), 1);
            appender.append(null, "one");
            appender.flush();
            for (int i = 0; i < 10; i++) {
                pass(LEASE.dividedBy(3), node);
                oldRenewal(task, error);
            }
            assertThat(node.end(task)).isNull();
            leaseOver(node);
            isWorkerLost(node.end(task));
            assertThat(node.state(task)).isEqualTo(TaskStatus.State.FAILED);
        }
    }

    @Test
    @DisplayName("R11 an old sweeper with any clock never takes a task of a new worker")
    void oldSweeper() {
        Node node = new Node();
        Task task = dispatched(node);
        oldClaim(task, Duration.ZERO);
        leaseOver(node);
        // Queued again, since it has no events, and now a task of the new worker.
        node.running(task);
        assertThat(oldSweep(Duration.ofHours(25))).isZero();
        pass(LEASE.multipliedBy(3), node);
        assertThat(oldSweep(Duration.ofHours(25))).isZero();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.RUNNING);
    }

    @Test
    @DisplayName("R11 a new sweeper ends a task that an old sweeper took and abandoned")
    void oldSweeperDies() {
        Node node = new Node();
        Task task = dispatched(node);
        oldClaim(task, Duration.ZERO);
        tasks.updateOne(
                Filters.eq(task.id()),
                Updates.combine(Updates.inc("epoch", 1), Updates.set("worker", "sweeper"), Updates.set("attempts", 3)));
        leaseOver(node);
        isWorkerLost(node.end(task));
    }
}
