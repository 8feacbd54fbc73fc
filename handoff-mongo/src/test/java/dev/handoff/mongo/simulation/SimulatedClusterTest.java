// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulatedClusterTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final String A = "a".repeat(32);
    private static final String B = "b".repeat(32);

    private final Carrier.Pool pool = new Carrier.Pool();
    private final ClusterSettings settings = new ClusterSettings();

    @AfterEach
    void closePool() {
        pool.close();
    }

    /** What a test does as one process of a simulated world. */
    private final class World {

        private final Simulation simulation;
        private final SimulatedCluster cluster;
        private final Database database;

        World(long seed) {
            simulation = new Simulation(seed, pool, false);
            cluster = new SimulatedCluster(simulation, settings);
            database = cluster.connect(process("process"));
        }

        SimulatedProcess process(String name) {
            return new SimulatedProcess(simulation, name, 1);
        }

        void sleep(double seconds) {
            simulation.sleep((long) (seconds * SECOND));
        }

        Replica primary() {
            Replica primary = cluster.primary();
            if (primary == null) {
                throw new AssertionError("no primary");
            }
            return primary;
        }
    }

    private void simulate(long seed, Consumer<World> test) {
        World world = new World(seed);
        boolean[] done = {false};
        SimulatedProcess process = world.process("test");
        process.spawn("test", () -> {
            // The servers have elected a primary by then.
            world.sleep(1);
            test.accept(world);
            done[0] = true;
        });
        world.simulation.run(() -> done[0]);
        world.simulation.close();
        Simulation.Violation violation = world.simulation.violation();
        assertThat(violation).as(violation == null ? "" : violation.message()).isNull();
        assertThat(done[0]).isTrue();
    }

    private static EventBatch batch(long seq) {
        return new EventBatch(new ObjectId(), STREAM, seq, 1, List.of(new Event(seq, null, "data")), null, false);
    }

    private static InsertOutcome.Kind insert(Database database, EventBatch batch) {
        return database.insert(List.of(batch)).get(0).kind();
    }

    private static TaskRecord task(String id) {
        return TaskRecord.queued(new Task(id, "chat", "payload " + id, Map.of(), "subject", null, "standard", false));
    }

    @Test
    void readsReturnWhatWasInserted() {
        simulate(1, world -> {
            EventBatch first = batch(0);
            EventBatch second = batch(1);
            assertThat(world.database.insert(List.of(first, second)))
                    .containsExactly(InsertOutcome.STORED, InsertOutcome.STORED);
            assertThat(world.database.read(STREAM, 0, 10, 10_000)).containsExactly(first, second);
            assertThat(world.database.read(STREAM, 0, 10, 1)).containsExactly(first);
            assertThat(world.database.last(STREAM)).contains(second);
            assertThat(world.database.lastBefore(STREAM, 1)).contains(first);
            assertThat(world.database.holders(List.of(new Position(STREAM, 0), new Position(STREAM, 5))))
                    .containsExactly(Map.entry(new Position(STREAM, 0), first.id()));
            assertThat(world.database.tails(Map.of(STREAM, 1L), 1000).batches()).containsExactly(second);
        });
    }

    @Test
    void aPositionCanBeInsertedOnce() {
        simulate(1, world -> {
            assertThat(insert(world.database, batch(0))).isEqualTo(InsertOutcome.Kind.STORED);
            assertThat(insert(world.database, batch(0))).isEqualTo(InsertOutcome.Kind.DUPLICATE);
        });
    }

    @Test
    void tasksGoThroughTheirStates() {
        simulate(1, world -> {
            Database database = world.database;
            assertThat(database.insertTask(task(A)).kind()).isEqualTo(InsertOutcome.Kind.STORED);
            world.sleep(1);
            assertThat(database.insertTask(task(B)).kind()).isEqualTo(InsertOutcome.Kind.STORED);
            assertThat(database.insertTask(task(A)).kind()).isEqualTo(InsertOutcome.Kind.DUPLICATE);
            TaskRecord claimed = database.claim(List.of("chat"), "worker").orElseThrow();
            assertThat(claimed.id()).isEqualTo(A);
            assertThat(claimed.epoch()).isEqualTo(1);
            assertThat(claimed.payload()).isEqualTo("payload " + A);
            HeldTask held = database.runningOf("worker", 10).get(0);
            assertThat(database.runningExceptOf(Set.of("worker"), 10)).isEmpty();
            assertThat(database.runningExceptOf(Set.of("other"), 10)).containsExactly(held);
            assertThat(database.take(held, "sweeper").orElseThrow().epoch()).isEqualTo(2);
            assertThat(database.take(held, "sweeper")).isEmpty();
            assertThat(database.finish(A, 1, State.COMPLETED)).isFalse();
            assertThat(database.requeue(A, 2, true)).isTrue();
            assertThat(database.claim(List.of("chat"), "worker").orElseThrow().attempts())
                    .isEqualTo(1);
            assertThat(database.finish(A, 3, State.COMPLETED)).isTrue();
            assertThat(database.task(A).orElseThrow().state()).isEqualTo(State.COMPLETED);
            assertThat(database.requestCancel(A)).isEmpty();
            assertThat(database.requestCancel(B).orElseThrow().cancel()).isFalse();
            assertThat(database.task(B).orElseThrow().cancel()).isTrue();
        });
    }

    @Test
    void beatsAreCounted() {
        simulate(1, world -> {
            world.database.beat("worker");
            world.database.beat("worker");
            assertThat(world.database.beats()).containsExactly(Map.entry("worker", 2L));
            world.database.forget("worker", 1);
            assertThat(world.database.beats()).hasSize(1);
            world.database.forget("worker", 2);
            assertThat(world.database.beats()).isEmpty();
        });
    }

    /** Returns a process that reaches only a primary which has lost the others. */
    private static Database besideIsolatedPrimary(World world) {
        SimulatedProcess process = world.process("isolated");
        Replica primary = world.primary();
        world.cluster.network().isolate(primary.number(), true);
        for (Replica replica : world.cluster.replicas()) {
            world.cluster.network().cut(process, replica.number(), replica != primary);
        }
        return world.cluster.connect(process);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void anAcknowledgedWriteWithoutMajorityIsLostByARollback(long seed) {
        settings.majorityWrites = false;
        settings.majorityReads = false;
        simulate(seed, world -> {
            Database isolated = besideIsolatedPrimary(world);
            assertThat(insert(isolated, batch(0))).isEqualTo(InsertOutcome.Kind.STORED);
            assertThat(isolated.last(STREAM)).isPresent();
            world.sleep(30);
            world.cluster.heal();
            world.sleep(30);
            assertThat(world.database.last(STREAM)).isEmpty();
            assertThat(world.cluster.rolledBack()).isPositive();
        });
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void aWriteWithMajorityIsNotAcknowledgedByAnIsolatedPrimary(long seed) {
        simulate(seed, world -> {
            Database isolated = besideIsolatedPrimary(world);
            assertThatThrownBy(() -> insert(isolated, batch(0))).isInstanceOf(DatabaseException.class);
            assertThat(isolated.last(STREAM)).isEmpty();
            assertThat(isolated.holders(List.of(new Position(STREAM, 0)))).isEmpty();
        });
    }

    @Test
    void anAcknowledgedWriteWithMajorityIsNeverLost() {
        for (long seed = 0; seed < 200; seed++) {
            simulate(seed, world -> {
                List<EventBatch> acknowledged = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    troubleOf(world);
                    EventBatch batch = batch(i);
                    try {
                        if (insert(world.database, batch) == InsertOutcome.Kind.STORED) {
                            acknowledged.add(batch);
                        }
                    } catch (DatabaseException e) {
                        assertThat(e.refused()).isFalse();
                    }
                }
                world.cluster.heal();
                world.sleep(40);
                assertThat(world.database.read(STREAM, 0, 100, 1_000_000)).containsAll(acknowledged);
            });
        }
    }

    private static void troubleOf(World world) {
        Simulation simulation = world.simulation;
        int replica = (int) simulation.between(0, 2);
        switch ((int) simulation.between(0, 8)) {
            case 0 -> world.cluster.stepDown(world.cluster.replicas().get(replica));
            case 1 -> world.cluster.kill(replica);
            case 2 -> world.cluster.restart(replica);
            case 3 -> world.cluster.network().isolate(replica, simulation.chance(0.5));
            case 4 -> world.cluster.network().cut(replica, (replica + 1) % 3, simulation.chance(0.5));
            case 5 -> world.cluster.faults().lostAnswer = 0.1;
            case 6 -> world.cluster.faults().delay = 0.1;
            case 7 -> world.cluster.heal();
            default -> world.sleep(simulation.between(0, 20));
        }
    }

    @Test
    void aWriteThatAMajorityHasStoredIsNeverRolledBack() {
        for (long seed = 0; seed < 200; seed++) {
            simulate(seed, world -> {
                long[] last = {-1};
                for (int i = 0; i < 40; i++) {
                    troubleOf(world);
                    try {
                        insert(world.database, batch(last[0] + 1));
                    } catch (DatabaseException e) {
                        world.simulation.note("not inserted");
                    }
                    try {
                        long seen =
                                world.database.last(STREAM).map(EventBatch::seq).orElse(-1L);
                        assertThat(seen).isGreaterThanOrEqualTo(last[0]);
                        last[0] = seen;
                    } catch (DatabaseException e) {
                        world.simulation.note("not read");
                    }
                }
            });
        }
    }

    @Test
    void aWriteWhoseAnswerIsLostIsStored() {
        simulate(1, world -> {
            EventBatch batch = batch(0);
            world.cluster.faults().lostAnswer = 1;
            assertThatThrownBy(() -> insert(world.database, batch)).isInstanceOf(DatabaseException.class);
            world.cluster.faults().clear();
            assertThat(world.database.holders(List.of(new Position(STREAM, 0)))).containsValue(batch.id());
        });
    }

    @Test
    void aPrimaryThatStepsDownDuringAnInsertStoresAPartOfIt() {
        settings.majorityWrites = false;
        simulate(3, world -> {
            List<EventBatch> batches = List.of(batch(0), batch(1), batch(2), batch(3), batch(4), batch(5));
            world.cluster.faults().stepDownInInsert = 1;
            List<InsertOutcome.Kind> kinds = world.database.insert(batches).stream()
                    .map(InsertOutcome::kind)
                    .toList();
            assertThat(kinds).contains(InsertOutcome.Kind.UNKNOWN).startsWith(InsertOutcome.Kind.STORED);
        });
    }

    @Test
    void anotherPrimaryIsElectedAfterATimeWithoutOne() {
        simulate(1, world -> {
            Replica first = world.primary();
            world.cluster.kill(first.number());
            assertThatThrownBy(() -> world.database.last(STREAM)).isInstanceOf(DatabaseException.class);
            world.sleep(10);
            assertThat(world.primary()).isNotSameAs(first);
            assertThat(world.database.last(STREAM)).isEmpty();
        });
    }

    @Test
    void theStoreCompletesTheRequestsOfAKilledProcess() {
        simulate(1, world -> {
            SimulatedProcess process = world.process("victim");
            Database database = world.cluster.connect(process);
            boolean[] answered = {false};
            process.spawn("writer", () -> {
                insert(database, batch(0));
                answered[0] = true;
            });
            // The request needs a fifth of a millisecond at least.
            world.simulation.sleep(100_000);
            process.kill();
            world.sleep(1);
            assertThat(answered[0]).isFalse();
            assertThat(world.database.last(STREAM)).isPresent();
        });
    }

    @Test
    void aStoppedStoreCompletesItsRequestsLater() {
        simulate(1, world -> {
            world.cluster.freeze();
            assertThatThrownBy(() -> insert(world.database, batch(0))).isInstanceOf(DatabaseException.class);
            world.cluster.thaw();
            world.sleep(1);
            assertThat(world.database.last(STREAM)).isPresent();
        });
    }

    @Test
    void expiredDocumentsAreDeletedEventually() {
        settings.eventRetention = Duration.ofSeconds(30);
        simulate(1, world -> {
            insert(world.database, batch(0));
            world.sleep(25);
            assertThat(world.database.last(STREAM)).isPresent();
            world.sleep(120);
            assertThat(world.database.last(STREAM)).isEmpty();
        });
    }
}
