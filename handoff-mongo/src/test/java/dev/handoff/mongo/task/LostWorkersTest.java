// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.HeldTask;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LostWorkersTest {

    /** Near the overflow of a ticker. */
    private static final long ORIGIN = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(5);

    private final LostWorkers leases = new LostWorkers(Duration.ofSeconds(10), Duration.ofSeconds(5));

    @BeforeEach
    void firstReading() {
        observe(0, List.of(), Map.of("other", 1L));
    }

    private LostWorkers.Found observe(double second, List<HeldTask> tasks, Map<String, Long> beats) {
        return observe(second, second, tasks, beats);
    }

    private LostWorkers.Found observe(double began, double ended, List<HeldTask> tasks, Map<String, Long> beats) {
        return leases.observe(at(began), at(ended), tasks, beats);
    }

    private static long at(double second) {
        return ORIGIN + (long) (second * 1e9);
    }

    private static HeldTask task(String id, String owner, int epoch, @Nullable Long lease) {
        return new HeldTask(id, TaskStatus.State.RUNNING, epoch, owner, false, lease);
    }

    private static final HeldTask OF_WORKER = task("a", "worker", 1, null);

    @Test
    @DisplayName("R11 a worker whose beat does not change for a lease is lost, with its tasks")
    void lost() {
        Map<String, Long> beats = Map.of("worker", 7L);
        for (int second = 1; second < 11; second++) {
            assertThat(observe(second, List.of(OF_WORKER), beats).tasks()).isEmpty();
        }
        assertThat(observe(11, List.of(OF_WORKER), beats).tasks()).containsExactly(OF_WORKER);
    }

    @Test
    @DisplayName("a worker whose beat changes once in a lease is never lost")
    void alive() {
        for (int second = 1; second < 100; second++) {
            var lost = observe(second, List.of(OF_WORKER), Map.of("worker", second / 9L));
            assertThat(lost.tasks()).isEmpty();
            assertThat(lost.idle()).isEmpty();
        }
    }

    @Test
    @DisplayName("a beat counts as unchanged only from the end of the first reading to the beginning of the last")
    void slowReadings() {
        Map<String, Long> beats = Map.of("worker", 7L);
        observe(1, 3, List.of(OF_WORKER), beats);
        observe(6, 8, List.of(OF_WORKER), beats);
        assertThat(observe(11, 13, List.of(OF_WORKER), beats).tasks()).isEmpty();
        assertThat(observe(13, 14, List.of(OF_WORKER), beats).tasks()).containsExactly(OF_WORKER);
    }

    @Test
    @DisplayName("a reading more than half a lease after the last one restarts all observations")
    void lateReading() {
        Map<String, Long> beats = Map.of("worker", 7L);
        HeldTask old = task("b", "old worker", 1, 5L);
        List<HeldTask> tasks = List.of(OF_WORKER, old);
        for (int second = 1; second <= 10; second++) {
            observe(second, tasks, beats);
        }
        assertThat(observe(15.1, tasks, beats).tasks()).isEmpty();
        for (int second = 16; second <= 25; second++) {
            assertThat(observe(second, tasks, beats).tasks()).isEmpty();
        }
        assertThat(observe(26, tasks, beats).tasks()).containsExactlyInAnyOrder(OF_WORKER, old);
    }

    @Test
    @DisplayName("a failed reading restarts all observations")
    void failedReading() {
        Map<String, Long> beats = Map.of("worker", 7L);
        for (int second = 1; second <= 10; second++) {
            observe(second, List.of(OF_WORKER), beats);
        }
        leases.restart();
        for (int second = 11; second <= 20; second++) {
            assertThat(observe(second, List.of(OF_WORKER), beats).tasks()).isEmpty();
        }
        assertThat(observe(21, List.of(OF_WORKER), beats).tasks()).containsExactly(OF_WORKER);
    }

    @Test
    @DisplayName("a task of an owner without a beat is lost when its own value stays the same for a lease")
    void withoutBeat() {
        HeldTask taken = task("a", "sweeper", 2, null);
        for (int second = 1; second < 11; second++) {
            assertThat(observe(second, List.of(taken), Map.of()).tasks()).isEmpty();
        }
        assertThat(observe(11, List.of(taken), Map.of()).tasks()).containsExactly(taken);
    }

    @Test
    @DisplayName("a worker of version 0.1 with any clock keeps its tasks while it renews leaseUntil")
    void oldWorker() {
        long stoppedClock = -5;
        for (int second = 1; second < 100; second++) {
            // Its clock is set back an hour in between.
            long lease = second < 50 ? second / 4 : stoppedClock - second / 4;
            assertThat(observe(second, List.of(task("a", "old", 1, lease)), Map.of())
                            .tasks())
                    .isEmpty();
        }
        HeldTask last = task("a", "old", 1, 1234L);
        for (int second = 100; second < 110; second++) {
            assertThat(observe(second, List.of(last), Map.of()).tasks()).isEmpty();
        }
        assertThat(observe(110, List.of(last), Map.of()).tasks()).containsExactly(last);
    }

    @Test
    @DisplayName("a task is not lost if its owner has a beat in the last reading, even after a long time without one")
    void beatAppears() {
        for (int second = 1; second <= 10; second++) {
            observe(second, List.of(OF_WORKER), Map.of());
        }
        assertThat(observe(11, List.of(OF_WORKER), Map.of("worker", 1L)).tasks())
                .isEmpty();
    }

    @Test
    @DisplayName("the tasks of a worker are read again as soon as the next reading may find it lost")
    void live() {
        Map<String, Long> beats = Map.of("worker", 7L, "other", 1L);
        for (int second = 1; second <= 9; second++) {
            observe(second, List.of(), beats);
            assertThat(leases.live(at(second + 0.5))).contains("worker");
        }
        assertThat(leases.live(at(11))).doesNotContain("worker");
        leases.restart();
        assertThat(leases.live(at(11))).contains("worker");
    }

    @Test
    @DisplayName("the beat of a lost worker without tasks may be deleted")
    void idle() {
        Map<String, Long> beats = Map.of("worker", 7L);
        for (int second = 1; second < 11; second++) {
            observe(second, List.of(), beats);
        }
        assertThat(observe(11, List.of(OF_WORKER), beats).idle()).isEmpty();
        assertThat(observe(12, List.of(), beats).idle()).isEqualTo(beats);
    }
}
