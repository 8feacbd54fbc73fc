// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Runs simulations of a world, each with its own seed, on several cores. */
final class SeedRunner {

    private static final Logger LOGGER = (Logger) LoggerFactory.getLogger("dev.handoff");
    private static final int CORES = Runtime.getRuntime().availableProcessors();

    /** What a simulation has come to. */
    record Result(
            long seed,
            long hash,
            long events,
            long virtualNanos,
            Simulation.@Nullable Violation violation,
            List<String> trace) {

        /** Says what went wrong and how to repeat it. */
        String report() {
            return "seed " + seed + " violates "
                    + (violation == null ? "nothing" : violation.rule() + ": " + violation.message())
                    + "\nlast events:\n  " + String.join("\n  ", trace)
                    + "\nreplay with a full trace: mvn -pl handoff-mongo -am test -Dtest=SimulationTest"
                    + " -Dsurefire.failIfNoSpecifiedTests=false -Dhandoff.simulation.seed=" + seed;
        }
    }

    /** What many simulations have come to. */
    record Summary(
            long seeds,
            long events,
            long virtualNanos,
            @Nullable Result failed) {}

    private final Flaw flaw;

    /** @param flaw what is taken out of the code under test */
    SeedRunner(Flaw flaw) {
        this.flaw = flaw;
    }

    /** Runs one seed in this thread. */
    Result run(long seed, Carrier.Pool pool, boolean printed) {
        Level level = LOGGER.getLevel();
        LOGGER.setLevel(Level.OFF);
        try {
            return simulate(seed, pool, printed);
        } finally {
            LOGGER.setLevel(level);
        }
    }

    private Result simulate(long seed, Carrier.Pool pool, boolean printed) {
        Simulation simulation = new Simulation(seed, pool, printed);
        try {
            WorldSettings settings = WorldSettings.of(simulation);
            flaw.configure(settings);
            new World(simulation, settings, new ProductionDeployment(), flaw).run();
        } finally {
            simulation.close();
        }
        return new Result(
                seed,
                simulation.trace().hash(),
                simulation.events(),
                simulation.now(),
                simulation.violation(),
                simulation.violation() == null ? List.of() : simulation.trace().last());
    }

    /** Runs seeds one after the other, several at a time, until one fails, or until so many have run, or until the time is over. */
    Summary run(long first, long count, long nanos) throws InterruptedException {
        Level level = LOGGER.getLevel();
        // The code under test logs each failure, which nobody could read here.
        LOGGER.setLevel(Level.OFF);
        try {
            return runAll(first, count, nanos);
        } finally {
            LOGGER.setLevel(level);
        }
    }

    private Summary runAll(long first, long count, long nanos) throws InterruptedException {
        AtomicLong next = new AtomicLong(first);
        AtomicLong seeds = new AtomicLong();
        AtomicLong events = new AtomicLong();
        AtomicLong virtual = new AtomicLong();
        AtomicReference<@Nullable Result> failed = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        long deadline = System.nanoTime() + nanos;
        List<Thread> threads = java.util.stream.IntStream.range(0, CORES)
                .mapToObj(i -> new Thread(() -> {
                    Carrier.Pool pool = new Carrier.Pool();
                    try {
                        while (failed.get() == null && thrown.get() == null && System.nanoTime() < deadline) {
                            long seed = next.getAndIncrement();
                            if (seed >= first + count) {
                                break;
                            }
                            Result result = simulate(seed, pool, false);
                            seeds.incrementAndGet();
                            events.addAndGet(result.events());
                            virtual.addAndGet(result.virtualNanos());
                            if (result.violation() != null) {
                                failed.compareAndSet(null, result);
                            }
                        }
                    } catch (Throwable e) {
                        thrown.compareAndSet(null, e);
                    } finally {
                        pool.close();
                    }
                }))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        Throwable broken = thrown.get();
        if (broken != null) {
            throw new IllegalStateException(broken);
        }
        return new Summary(seeds.get(), events.get(), virtual.get(), failed.get());
    }
}
