// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.mongo.testing.ManualScheduler;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bson.types.ObjectId;

/** A group commit in virtual time, onto a map. */
final class VirtualCommit {

    /** How the documents of one insert are stored; replaced by tests. */
    interface Insert extends Function<List<EventBatch>, List<InsertOutcome>> {}

    final ManualScheduler time = new ManualScheduler();
    final Map<Position, EventBatch> stored = new HashMap<>();
    final List<List<EventBatch>> inserts = new ArrayList<>();
    /** When each insert began. */
    final List<Long> insertedAt = new ArrayList<>();

    final List<EventBatch> acknowledged = new ArrayList<>();
    Insert insert = this::store;
    UnaryOperator<Map<Position, ObjectId>> visible = UnaryOperator.identity();
    Duration latency = Duration.ZERO;
    private int streams;

    VirtualCommit() {}

    GroupCommit commit(GroupCommitSettings settings, HandoffObserver observer) {
        return commit(time, settings, observer);
    }

    GroupCommit commit(Ticker ticker, GroupCommitSettings settings, HandoffObserver observer) {
        return commit(time, ticker, settings, GuardedObserver.of(observer));
    }

    /** Returns a group commit in the threads of an executor, one that does not catch what its observer throws. */
    GroupCommit commit(
            ScheduledExecutorService executor, Ticker ticker, GroupCommitSettings settings, HandoffObserver observer) {
        return new GroupCommit(
                database(), executor, ticker, new ReentrantLock(), settings, observer, acknowledged::add);
    }

    static GroupCommitSettings settings() {
        return new GroupCommitSettings(Duration.ofMinutes(2), Duration.ofMillis(6), 5000, 64 << 20);
    }

    MongoEventAppender appender(GroupCommit commit) {
        return new MongoEventAppender(commit, String.format("%032x", ++streams), 1, 0);
    }

    /** Stores what is in nobody's way. */
    List<InsertOutcome> store(List<EventBatch> batches) {
        return batches.stream().map(this::store).toList();
    }

    InsertOutcome store(EventBatch batch) {
        return stored.putIfAbsent(new Position(batch.stream(), batch.seq()), batch) == null
                ? InsertOutcome.STORED
                : outcome(InsertOutcome.Kind.DUPLICATE);
    }

    static InsertOutcome outcome(InsertOutcome.Kind kind) {
        return new InsertOutcome(kind, "a test");
    }

    @SuppressWarnings("unchecked")
    private Database database() {
        return (Database) Proxy.newProxyInstance(
                Database.class.getClassLoader(), new Class<?>[] {Database.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "insert" -> {
                            inserts.add((List<EventBatch>) arguments[0]);
                            insertedAt.add(time.read());
                            time.spend(latency);
                            return insert.apply((List<EventBatch>) arguments[0]);
                        }
                        case "holders" -> {
                            Map<Position, ObjectId> holders = new HashMap<>();
                            ((Collection<Position>) arguments[0]).forEach(p -> {
                                if (stored.containsKey(p)) {
                                    holders.put(p, stored.get(p).id());
                                }
                            });
                            return visible.apply(holders);
                        }
                        default -> throw new AssertionError(method);
                    }
                });
    }
}
