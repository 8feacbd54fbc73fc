// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayList;
import java.util.List;

/** A process of a world, with its parts, and the times in which it could not do its work for reasons of its own. */
final class Member {

    private record Interval(long from, long to) {}

    private final Simulation simulation;
    private final SimulatedProcess process;
    private final Deployment.Parts parts;
    private final List<Interval> impaired = new ArrayList<>();
    private long impairedSince = -1;

    Member(SimulatedProcess process, Deployment.Parts parts) {
        this.simulation = process.simulation();
        this.process = process;
        this.parts = parts;
    }

    SimulatedProcess process() {
        return process;
    }

    Deployment.Parts parts() {
        return parts;
    }

    String name() {
        return process.name();
    }

    /** Notes that the process is paused or cut off from now on. */
    void beginImpairment() {
        if (impairedSince < 0) {
            impairedSince = simulation.now();
        }
    }

    void endImpairment() {
        if (impairedSince >= 0) {
            impaired.add(new Interval(impairedSince, simulation.now()));
            impairedSince = -1;
        }
    }

    boolean isImpaired() {
        return impairedSince >= 0 || !process.isRunning();
    }

    /** Returns for how long of the last time the process was paused, cut off or dead. */
    long impairedWithin(long nanos) {
        if (process.isDead()) {
            return nanos;
        }
        long from = simulation.now() - nanos;
        long sum = impairedSince < 0 ? 0 : simulation.now() - Math.max(from, impairedSince);
        for (Interval interval : impaired) {
            sum += Math.max(0, interval.to - Math.max(from, interval.from));
        }
        return sum;
    }

    @Override
    public String toString() {
        return process.name();
    }
}
