// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import org.jspecify.annotations.Nullable;

/** Code that runs in its own thread, but only while no other actor of the simulation runs. */
final class Actor {

    /** Code of a killed process that goes on after so many attempts to end it is left standing. */
    private static final int MOST_ATTEMPTS_TO_END = 1000;

    private final Simulation simulation;
    private final String name;
    private final @Nullable SimulatedProcess process;
    private final Runnable body;
    private @Nullable Carrier carrier;
    private int attemptsToEnd;
    private boolean done;

    Actor(Simulation simulation, String name, @Nullable SimulatedProcess process, Runnable body) {
        this.simulation = simulation;
        this.name = name;
        this.process = process;
        this.body = body;
    }

    static Actor running(Simulation simulation, String name, Carrier carrier) {
        Actor actor = new Actor(simulation, name, null, () -> {});
        actor.carrier = carrier;
        return actor;
    }

    Simulation simulation() {
        return simulation;
    }

    String name() {
        return name;
    }

    @Nullable
    SimulatedProcess process() {
        return process;
    }

    @Nullable
    Carrier carrier() {
        return carrier;
    }

    boolean isDone() {
        return done;
    }

    void runOn(Carrier thread) {
        carrier = thread;
        try {
            body.run();
        } catch (ProcessKilled e) {
            // The process is dead, or the simulation is over.
        } catch (Throwable e) {
            simulation.fail("no actor throws", name + " threw " + Traces.of(e));
        }
        done = true;
        carrier = null;
        simulation.ended(this);
    }

    /** Throws the error that ends the actor if its process is dead. */
    void requireAlive() {
        if (!mustEnd()) {
            return;
        }
        attemptsToEnd++;
        if (attemptsToEnd < MOST_ATTEMPTS_TO_END || carrier == null) {
            throw new ProcessKilled();
        }
        simulation.abandon(this);
    }

    boolean mustEnd() {
        return simulation.isOver() || (process != null && process.isDead());
    }
}
