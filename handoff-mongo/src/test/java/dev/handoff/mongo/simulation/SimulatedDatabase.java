// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/** The database as one process sees it. What each operation does at the server is in {@link ServerOperations}. */
final class SimulatedDatabase implements Database {

    private static final Duration TTL_GRACE = Duration.ofMinutes(10);
    private static final Duration WORKERS_KEPT = Duration.ofDays(1);

    private final SimulatedCluster cluster;
    private final ClusterSettings settings;
    private final SimulatedProcess process;
    /** A driver does not go back to the primary of an earlier term. */
    private long latestTerm;

    private long knownTime;
    private long knownAt;
    private boolean timeKnown;

    SimulatedDatabase(SimulatedCluster cluster, SimulatedProcess process) {
        this.cluster = cluster;
        this.settings = cluster.settings();
        this.process = process;
    }

    /** Reads tasks or workers, always with majority. */
    private <T> T read(String name, Function<Documents, T> query) {
        return call(name, (server, now) -> RemoteCall.Answer.now(query.apply(server.majority())));
    }

    private <T> T readEvents(String name, Function<Documents, T> query) {
        return call(
                name,
                (server, now) -> RemoteCall.Answer.now(
                        query.apply(settings.majorityReads ? server.majority() : server.local())));
    }

    private <T> T call(String name, BiFunction<Replica, Long, RemoteCall.Answer<T>> work) {
        process.countOperation();
        Replica server = RemoteCall.select(cluster, process, name, latestTerm);
        latestTerm = Math.max(latestTerm, server.term());
        // The time of a write is that of the process when it sends it, as the process knows the time of the server.
        long now = now(server);
        try {
            T answer = new RemoteCall<T>(cluster, process, name).await(server, s -> work.apply(s, now));
            cluster.simulation().note("%s: %s", name, ServerOperations.summary(answer));
            return answer;
        } catch (dev.handoff.mongo.database.DatabaseException e) {
            cluster.simulation().note("%s failed: %s", name, e.getMessage());
            throw e;
        }
    }

    private long now(Replica server) {
        if (settings.localTimes) {
            return process.wallClock();
        }
        long ticks = process.ticker().read();
        if (!timeKnown || ticks - knownAt > settings.timeValid.toNanos()) {
            knownTime = server.clock(cluster.simulation().now());
            knownAt = ticks;
            timeKnown = true;
        }
        return knownTime + (ticks - knownAt) / 1_000_000;
    }

    // Events

    @Override
    public List<InsertOutcome> insert(List<EventBatch> batches) {
        cluster.simulation().note("inserts %s", ServerOperations.summary(batches));
        return call(
                "insert",
                (server, now) ->
                        ServerOperations.insert(cluster, server, batches, now + settings.eventRetention.toMillis()));
    }

    @Override
    public Map<Position, ObjectId> holders(Collection<Position> positions) {
        return readEvents("holders", d -> ServerOperations.holders(d, positions));
    }

    @Override
    public Optional<EventBatch> last(String stream) {
        return readEvents("last", d -> ServerOperations.lastBefore(d, stream, Long.MAX_VALUE));
    }

    @Override
    public Optional<EventBatch> lastBefore(String stream, long position) {
        return readEvents("lastBefore", d -> ServerOperations.lastBefore(d, stream, position));
    }

    @Override
    public List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes) {
        return readEvents("read", d -> ServerOperations.read(d, stream, from, maxEvents, maxBytes));
    }

    @Override
    public TailFetch tails(Map<String, Long> from, long maxBytes) {
        return readEvents("tails", d -> ServerOperations.tails(d, from, maxBytes));
    }

    @Override
    public long fences(String stream) {
        return readEvents(
                "fences",
                d -> d.stream(stream).values().stream()
                        .filter(e -> e.batch().fence())
                        .count());
    }

    // Tasks

    @Override
    public InsertOutcome insertTask(TaskRecord task) {
        return call("insertTask", (server, now) -> TaskOperations.insert(server, task, now));
    }

    @Override
    public Optional<TaskRecord> task(String id) {
        return read("task", d -> Optional.ofNullable(d.task(id)).map(Documents.TaskDocument::withoutPayload));
    }

    @Override
    public Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within) {
        return call(
                "latestLike",
                (server, now) -> RemoteCall.Answer.now(
                        TaskOperations.latestLike(server.majority(), fingerprint, subject, before(now, within))));
    }

    @Override
    public long queuedBefore(Instant created, int limit) {
        return read(
                "queuedBefore",
                d -> d.tasks(t -> t.isIn(TaskStatus.State.QUEUED)
                                && t.task().created().isBefore(created))
                        .limit(limit)
                        .count());
    }

    @Override
    public Map<String, Long> queueLengths(Collection<String> types, int limit) {
        return read("queueLengths", d -> TaskOperations.queueLengths(d, types, limit));
    }

    @Override
    public Optional<HeldTask> requestCancel(String id) {
        return call("requestCancel", (server, now) -> TaskOperations.requestCancel(server, id));
    }

    @Override
    public Optional<TaskRecord> claim(Collection<String> types, String owner) {
        return call("claim", (server, now) -> TaskOperations.claim(server, types, owner, now));
    }

    @Override
    public Optional<TaskRecord> take(HeldTask task, String owner) {
        return call("take", (server, now) -> TaskOperations.take(server, task, owner));
    }

    @Override
    public boolean requeue(String id, int epoch, boolean attempted) {
        return call("requeue", (server, now) -> TaskOperations.requeue(server, id, epoch, attempted));
    }

    @Override
    public boolean finish(String id, int epoch, TaskStatus.State state) {
        long kept = settings.taskRetention.toMillis() + settings.tasksOutlive.toMillis();
        return call("finish", (server, now) -> TaskOperations.finish(server, id, epoch, state, now, now + kept));
    }

    @Override
    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
        return read("runningExceptOf", d -> TaskOperations.runningExceptOf(d, owners, limit));
    }

    @Override
    public List<HeldTask> runningOf(String owner, int limit) {
        return read("runningOf", d -> TaskOperations.runningOf(d, owner, limit));
    }

    @Override
    public void recordReaders(Collection<String> ids) {
        call("recordReaders", (server, now) -> TaskOperations.recordReaders(server, ids, now));
    }

    @Override
    public List<String> unread(Duration time, int limit) {
        return call(
                "unread",
                (server, now) ->
                        RemoteCall.Answer.now(TaskOperations.unread(server.majority(), before(now, time), limit)));
    }

    @Override
    public List<HeldTask> queuedLongerThan(Duration time, int limit) {
        return call(
                "queuedLongerThan",
                (server, now) -> RemoteCall.Answer.now(
                        TaskOperations.queuedBefore(server.majority(), before(now, time), limit)));
    }

    // Workers

    @Override
    public void beat(String worker) {
        call("beat", (server, now) -> TaskOperations.beat(server, worker, now + WORKERS_KEPT.toMillis()));
    }

    @Override
    public Map<String, Long> beats() {
        if (settings.confirmsBeats) {
            call("beats", (server, now) -> new RemoteCall.Answer<>(true, server.append(List.of()), null));
        }
        return read("beats", TaskOperations::beats);
    }

    @Override
    public void forget(String worker, long beat) {
        call("forget", (server, now) -> TaskOperations.forget(server, worker, beat));
    }

    // Retention

    @Override
    public void deleteExpired() {
        // One operation for each collection, and the events first.
        call(
                "deleteExpired",
                (server, now) ->
                        TaskOperations.delete(server, Expiry.expiredEvents(server.local(), expiredBefore(now))));
        call(
                "deleteExpired",
                (server, now) ->
                        TaskOperations.delete(server, Expiry.expiredTasks(server.local(), expiredBefore(now))));
        call(
                "deleteExpired",
                (server, now) ->
                        TaskOperations.delete(server, Expiry.expiredWorkers(server.local(), expiredBefore(now))));
    }

    private long expiredBefore(long now) {
        return settings.ttl ? before(now, TTL_GRACE) : now;
    }

    private static long before(long now, Duration time) {
        return now - time.toMillis();
    }
}
