// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SchedulerTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Carrier.Pool pool = new Carrier.Pool();

    @AfterEach
    void closePool() {
        pool.close();
    }

    @Test
    void theSameSeedGivesTheSameTrace() {
        Set<Long> hashes = new HashSet<>();
        for (long seed = 0; seed < 20; seed++) {
            long hash = traceOf(seed);
            assertThat(traceOf(seed)).isEqualTo(hash);
            hashes.add(hash);
        }
        assertThat(hashes).hasSize(20);
    }

    private long traceOf(long seed) {
        Simulation simulation = new Simulation(seed, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        Lock lock = process.lock();
        SimulatedExecutor executor = process.executor("executor", 2);
        for (int i = 0; i < 5; i++) {
            int number = i;
            executor.scheduleWithFixedDelay(
                    () -> {
                        lock.lock();
                        try {
                            simulation.note("job %s", number);
                        } finally {
                            lock.unlock();
                        }
                        simulation.sleep(simulation.between(1, 100));
                    },
                    number,
                    50,
                    TimeUnit.NANOSECONDS);
        }
        simulation.run(() -> simulation.now() > 10_000);
        simulation.close();
        return simulation.trace().hash();
    }

    @Test
    void timePassesOnlyWhenNothingElseIsDue() {
        Simulation simulation = new Simulation(1, pool, false);
        List<String> order = new ArrayList<>();
        simulation.spawn("late", null, 3 * SECOND, () -> order.add("late"));
        simulation.spawn("early", null, 0, () -> {
            order.add("early");
            simulation.sleep(2 * SECOND);
            order.add("middle at " + simulation.now() / SECOND);
        });
        simulation.run(() -> false);
        simulation.close();
        assertThat(order).containsExactly("early", "middle at 2", "late");
        assertThat(simulation.now()).isEqualTo(3 * SECOND);
    }

    @Test
    void onlyOneActorHoldsALock() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        Lock lock = process.lock();
        int[] inside = {0};
        int[] done = {0};
        for (int i = 0; i < 10; i++) {
            process.spawn("actor", () -> {
                lock.lock();
                try {
                    assertThat(inside[0]++).isZero();
                    simulation.sleep(10);
                    inside[0]--;
                    done[0]++;
                } finally {
                    lock.unlock();
                }
            });
        }
        simulation.run(() -> false);
        simulation.close();
        assertThat(simulation.violation()).isNull();
        assertThat(done[0]).isEqualTo(10);
    }

    @Test
    void aSignalOrATimeLimitEndsAWait() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 2);
        Lock lock = process.lock();
        Condition condition = lock.newCondition();
        List<Long> lefts = new ArrayList<>();
        process.spawn("waiter", () -> {
            lock.lock();
            try {
                lefts.add(condition.awaitNanos(10 * SECOND));
                lefts.add(condition.awaitNanos(4 * SECOND));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                lock.unlock();
            }
        });
        process.spawn("signaller", () -> {
            simulation.sleep(3 * SECOND);
            lock.lock();
            try {
                condition.signalAll();
            } finally {
                lock.unlock();
            }
        });
        simulation.run(() -> false);
        simulation.close();
        // The clock of the process runs at the double rate.
        assertThat(lefts.get(0)).isEqualTo(4 * SECOND);
        assertThat(lefts.get(1)).isLessThanOrEqualTo(0);
        assertThat(simulation.now()).isBetween(5 * SECOND, 5 * SECOND + 10);
    }

    @Test
    void aKilledProcessDoesNothingMore() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        int[] ticks = {0};
        process.executor("timer", 1).scheduleWithFixedDelay(() -> ticks[0]++, SECOND, SECOND, TimeUnit.NANOSECONDS);
        simulation.schedule(10 * SECOND + SECOND / 2, process::kill);
        simulation.run(() -> simulation.now() > 20 * SECOND);
        simulation.close();
        assertThat(ticks[0]).isEqualTo(10);
    }

    @Test
    void codeThatCatchesTheEndOfItsProcessDoesNotStopTheSimulation() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        process.spawn("stubborn", () -> {
            while (true) {
                try {
                    simulation.sleep(SECOND);
                } catch (Error e) {
                    simulation.note("swallowed");
                }
            }
        });
        simulation.schedule(5 * SECOND, process::kill);
        simulation.run(() -> false);
        simulation.close();
        assertThat(simulation.now()).isBetween(5 * SECOND, 6 * SECOND);
    }

    @Test
    void aPausedProcessContinuesWhereItStopped() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        List<Long> times = new ArrayList<>();
        process.spawn("actor", () -> {
            for (int i = 0; i < 4; i++) {
                simulation.sleep(SECOND);
                times.add(simulation.now() / SECOND);
            }
        });
        simulation.schedule(SECOND + 1, process::pause);
        simulation.schedule(10 * SECOND, process::goOn);
        simulation.run(() -> false);
        simulation.close();
        assertThat(times).containsExactly(1L, 10L, 11L, 12L);
    }

    @Test
    void anExecutorRunsNoMoreJobsAtATimeThanItHasThreads() {
        Simulation simulation = new Simulation(1, pool, false);
        SimulatedProcess process = new SimulatedProcess(simulation, "process", 1);
        SimulatedExecutor executor = process.executor("executor", 2);
        int[] running = {0};
        int[] most = {0};
        for (int i = 0; i < 6; i++) {
            executor.execute(() -> {
                most[0] = Math.max(most[0], ++running[0]);
                simulation.sleep(SECOND);
                running[0]--;
            });
        }
        simulation.run(() -> false);
        simulation.close();
        assertThat(most[0]).isEqualTo(2);
        assertThat(simulation.now()).isEqualTo(3 * SECOND);
    }

    @Test
    void theFirstViolationEndsTheSimulation() {
        Simulation simulation = new Simulation(1, pool, false);
        simulation.spawn("actor", null, SECOND, () -> {
            simulation.fail("R0", "first");
            simulation.sleep(SECOND);
            simulation.fail("R0", "second");
        });
        simulation.run(() -> false);
        simulation.close();
        assertThat(simulation.violation()).isEqualTo(new Simulation.Violation("R0", "first"));
        assertThat(simulation.now()).isEqualTo(SECOND);
    }
}
