// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.time.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Lock;

/**
 * A process: a clock of its own, executors and actors. It can be killed, and it can be paused as by SIGSTOP. Its operations that are under way go
 * on at the server in both cases.
 */
final class SimulatedProcess {

    private final Simulation simulation;
    private final String name;
    private final long tickerOrigin;
    private final double tickerRate;
    private final double switches;
    private long tickerSteps;
    private long wallClockOffset;
    private long operations;
    private boolean dead;
    private boolean paused;
    private final List<Simulation.Event> deferred = new ArrayList<>();

    /**
     * Starts a process.
     *
     * @param tickerRate how fast its monotonic clock runs
     */
    SimulatedProcess(Simulation simulation, String name, double tickerRate) {
        this.simulation = simulation;
        this.name = name;
        this.tickerOrigin = simulation.random().nextLong();
        this.tickerRate = tickerRate;
        this.switches = simulation.chance(0.5) ? 0.01 : simulation.random().nextDouble() / 4;
    }

    Simulation simulation() {
        return simulation;
    }

    String name() {
        return name;
    }

    boolean isDead() {
        return dead;
    }

    boolean isPaused() {
        return paused;
    }

    boolean isRunning() {
        return !dead && !paused;
    }

    /** Returns how likely it is that others go on before an actor takes a lock. */
    double switches() {
        return switches;
    }

    /** Returns the monotonic clock of the process. It has its own origin, which may be close to the largest value. */
    Ticker ticker() {
        return () -> tickerOrigin + (long) (simulation.now() * tickerRate) + tickerSteps;
    }

    /** Moves the monotonic clock forward, as some systems do after a suspension. */
    void stepTicker(long nanos) {
        tickerSteps += nanos;
    }

    /** Returns how long a time of the process takes. It is over by then for its own clock, too. */
    long toVirtual(long nanos) {
        return nanos <= 0 ? 0 : (long) Math.ceil(nanos / tickerRate) + 1;
    }

    /** Returns a new lock that actors of this process may use. */
    Lock lock() {
        return new SimulatedLock(this);
    }

    /** Returns a new executor that runs this many jobs at a time. */
    SimulatedExecutor executor(String role, int threads) {
        return new SimulatedExecutor(this, name + '.' + role, threads);
    }

    /** Starts an actor. */
    Actor spawn(String role, Runnable body) {
        return simulation.spawn(name + '.' + role, this, 0, body);
    }

    /** Suspends the current actor for a time of the process. */
    void sleep(long nanos) {
        simulation.sleep(toVirtual(nanos));
    }

    /** Returns the wall clock of the machine in milliseconds. Only what a test puts in place of the code under test uses it. */
    long wallClock() {
        return SimulatedCluster.EPOCH_MILLIS + simulation.now() / 1_000_000 + wallClockOffset;
    }

    /** Sets the wall clock of the machine forward or back. */
    void stepWallClock(long millis) {
        wallClockOffset += millis;
    }

    void countOperation() {
        operations++;
    }

    /** Returns how many operations on the database the process has begun. */
    long operations() {
        return operations;
    }

    /** Stops everything in the process for ever. */
    void kill() {
        dead = true;
        paused = false;
        deferred.clear();
    }

    /** Stops everything in the process, until {@link #goOn}. */
    void pause() {
        paused = !dead;
    }

    void goOn() {
        paused = false;
        List<Simulation.Event> due = List.copyOf(deferred);
        deferred.clear();
        due.forEach(simulation::putBack);
    }

    /** Returns whether the process handles an event now. If it is paused, it does so later. */
    boolean admits(Simulation.Event event) {
        if (dead) {
            return false;
        }
        if (paused) {
            deferred.add(event);
            return false;
        }
        return true;
    }

    @Override
    public String toString() {
        return name;
    }
}
