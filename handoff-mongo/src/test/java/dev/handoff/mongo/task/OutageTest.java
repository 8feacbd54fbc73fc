// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.task.TaskStatus;
import dev.handoff.testkit.TickingClock;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Live workers and three sweepers, through outages of the database, by the clock of the test. */
class OutageTest {

    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final int SEEDS = 40;
    private static final int STEP_MILLIS = 50;
    /** What the delays of processes in this test add. */
    private static final int SLACK_MILLIS = 400;

    private final TickingClock clock = new TickingClock();
    private final Map<String, Long> beats = new HashMap<>();
    private final Map<String, String> owners = new HashMap<>();
    private final Set<String> taken = new TreeSet<>();
    /** The processes that cannot reach the database. */
    private final Set<String> away = new HashSet<>();

    /** The database as one process sees it. */
    private Database database(String process) {
        return (Database) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Database.class}, (proxy, method, arguments) -> {
                    if (away.contains(process)) {
                        throw DatabaseException.unknown("a test of an outage", null);
                    }
                    return switch (method.getName()) {
                        case "beat" -> beats.merge((String) arguments[0], 1L, Long::sum);
                        case "beats" -> Map.copyOf(beats);
                        case "forget" -> beats.remove(arguments[0], arguments[1]);
                        case "runningExceptOf" -> running((Collection<?>) arguments[0]);
                        case "take" -> take((HeldTask) arguments[0]);
                        case "queuedLongerThan" -> List.of();
                        case "deleteExpired" -> null;
                        default -> throw new AssertionError(method);
                    };
                });
    }

    private List<HeldTask> running(Collection<?> except) {
        List<HeldTask> running = new ArrayList<>();
        owners.forEach((id, owner) -> {
            if (!except.contains(owner)) {
                running.add(new HeldTask(id, TaskStatus.State.RUNNING, 1, owner, false, null));
            }
        });
        return running;
    }

    private Optional<TaskRecord> take(HeldTask task) {
        taken.add(task.id());
        owners.remove(task.id());
        return Optional.empty();
    }

    private QueueSettings settings(String name) {
        return new QueueSettings(
                name,
                Set.of("work"),
                LEASE,
                Duration.ofSeconds(2),
                3,
                Duration.ofHours(1),
                Duration.ZERO,
                null,
                HandoffObserver.NONE,
                clock,
                ReentrantLock::new);
    }

    @SuppressWarnings("NullAway")
    private static MongoEventStore noStreams() {
        return null;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.5, 0.9, 1, 1.5, 2, 3, 5})
    @DisplayName(
            "R11 an outage of several leases ends no task of a live worker, and a sweep finds a dead worker after it")
    void outage(double leases) {
        for (int seed = 0; seed < SEEDS; seed++) {
            beats.clear();
            owners.clear();
            taken.clear();
            away.clear();
            run(new Random(seed), leases, seed);
        }
    }

    private void run(Random random, double leases, int seed) {
        HandoffObserver silent = HandoffObserver.NONE;
        Map<String, Runnable> processes = new HashMap<>();
        for (int i = 0; i < 4; i++) {
            String name = "worker " + i;
            WorkerBeat beat = new WorkerBeat(database(name), name, LEASE, clock, silent);
            processes.put(name, beat::beatIfDue);
        }
        for (int i = 0; i < 3; i++) {
            String name = "sweeper " + i;
            Database database = database(name);
            QueueSettings settings = settings(name);
            Takeover takeover = new Takeover(database, noStreams(), name, 3, Duration.ofSeconds(1));
            Attendance attendance = new Attendance(database, settings, job -> false, id -> {});
            Sweeper sweeper = new Sweeper(database, takeover, attendance, settings, silent);
            processes.put(name, () -> {
                if (sweeper.isDue()) {
                    sweeper.sweepDue();
                }
            });
        }
        // Each process runs with its own delays, and reaches the database again at its own time.
        pass(random, processes, Set.of(), 3000);
        for (int i = 0; i < 4; i++) {
            for (int t = 0; t < 5; t++) {
                owners.put("task " + i + '.' + t, "worker " + i);
            }
        }
        pass(random, processes, Set.of(), 2000 + random.nextInt(5000));
        int outages = 1 + random.nextInt(3);
        for (int i = 0; i < outages; i++) {
            away.addAll(processes.keySet());
            pass(random, processes, Set.of(), (long) (leases * LEASE.toMillis()));
            List<String> back = new ArrayList<>(processes.keySet());
            Collections.shuffle(back, random);
            for (String name : back) {
                away.remove(name);
                pass(random, processes, Set.of(), random.nextInt(300));
            }
            pass(random, processes, Set.of(), random.nextInt(8000));
        }
        assertThat(taken).as("tasks of live workers, seed %s", seed).isEmpty();

        // kill -9 at some time after the outages.
        pass(random, processes, Set.of(), LEASE.toMillis() + random.nextInt(5000));
        Set<String> dead = Set.of("worker 0");
        pass(random, processes, dead, LEASE.toMillis() * 6 / 10);
        assertThat(taken).as("tasks within a lease, seed %s", seed).isEmpty();
        pass(random, processes, dead, LEASE.toMillis() * 4 / 10 + 2000 + SLACK_MILLIS);
        assertThat(taken)
                .as("tasks of the dead worker, seed %s", seed)
                .hasSize(5)
                .allMatch(id -> id.startsWith("task 0"));
        pass(random, processes, dead, 2000);
        assertThat(beats.keySet()).doesNotContain("worker 0");
    }

    private void pass(Random random, Map<String, Runnable> processes, Set<String> dead, long millis) {
        for (long left = millis; left > 0; left -= STEP_MILLIS) {
            clock.tick(Duration.ofMillis(STEP_MILLIS));
            processes.forEach((name, step) -> {
                // A process that is slow now and then.
                if (!dead.contains(name) && random.nextInt(4) != 0) {
                    step.run();
                }
            });
        }
    }
}
