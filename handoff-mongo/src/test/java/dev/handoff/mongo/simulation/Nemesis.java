// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.List;

/** Causes the faults that the seed chooses, at the times that it chooses. */
final class Nemesis {

    private final World world;
    private final Simulation simulation;
    private final SimulatedCluster cluster;
    private final long lease;
    private boolean ended;

    Nemesis(World world) {
        this.world = world;
        this.simulation = world.simulation();
        this.cluster = world.cluster();
        this.lease = world.settings().lease.toNanos();
    }

    void start() {
        long span = world.settings().faultsFor.toNanos();
        for (int i = 0; i < world.settings().faults; i++) {
            simulation.schedule(simulation.between(0, span), this::strike);
        }
        if (world.settings().noisy) {
            simulation.schedule(simulation.between(0, span / 2), this::disturb);
        }
    }

    /** Ends the faults of the store and the network at once. Paused processes go on by themselves. */
    void end() {
        ended = true;
        cluster.heal();
        for (Member member : world.live()) {
            member.process().goOn();
            member.endImpairment();
        }
    }

    private void strike() {
        if (ended) {
            return;
        }
        int kinds = world.settings().calmStore ? 5 : 11;
        switch ((int) simulation.between(0, kinds - 1L)) {
            case 0 -> world.kill(anyMember());
            case 1 -> pause(anyMember());
            case 2 -> cut(anyMember());
            case 3 -> {
                Member member = anyMember();
                simulation.note("the clocks of %s jump", member.name());
                member.process().stepWallClock(simulation.between(-36_000_000, 36_000_000));
                // As after a suspension of the machine.
                member.process().stepTicker(simulation.spread(lease / 10, 3 * lease));
            }
            case 4 -> stop();
            case 5 -> freeze();
            case 6 -> killPrimary();
            case 7 -> stepDown();
            case 8 -> isolatePrimary();
            case 9 -> cutLink();
            default -> cutOneServer(anyMember());
        }
    }

    /** A worker is told to stop, and ends after that. */
    private void stop() {
        Member worker = world.anyWorker();
        if (!worker.isImpaired()) {
            world.stop(worker, simulation.spread(lease / 10, lease));
        }
    }

    private Member anyMember() {
        List<Member> live = world.live();
        return live.get((int) simulation.between(0, live.size() - 1L));
    }

    private void pause(Member member) {
        if (!member.isImpaired()) {
            world.pause(member, simulation.spread(lease / 5, 3 * lease));
        }
    }

    private void cut(Member member) {
        if (!member.isImpaired()) {
            world.cut(member, simulation.spread(lease / 5, 3 * lease));
        }
    }

    private void freeze() {
        if (!cluster.isFrozen()) {
            simulation.note("the store stands still");
            cluster.freeze();
            simulation.schedule(simulation.spread(lease / 2, 5 * lease), () -> {
                if (cluster.isFrozen()) {
                    simulation.note("the store goes on");
                    cluster.thaw();
                }
            });
        }
    }

    private void killPrimary() {
        Replica primary = cluster.primary();
        if (primary != null) {
            cluster.kill(primary.number());
            simulation.schedule(simulation.spread(lease / 2, 4 * lease), () -> {
                if (!primary.isUp()) {
                    cluster.restart(primary.number());
                }
            });
        }
    }

    private void stepDown() {
        Replica primary = cluster.primary();
        if (primary == null) {
            return;
        }
        if (simulation.chance(0.5)) {
            cluster.stepDown(primary);
        } else {
            simulation.note("the primary will step down within an insert");
            cluster.faults().stepDownInInsert = 0.3;
            simulation.schedule(lease / 4, () -> cluster.faults().stepDownInInsert = 0);
        }
    }

    private void isolatePrimary() {
        Replica primary = cluster.primary();
        if (primary != null) {
            simulation.note("%s is isolated", primary.toString());
            cluster.network().isolate(primary.number(), true);
            simulation.schedule(simulation.spread(lease / 2, 4 * lease), () -> {
                simulation.note("%s is isolated no more", primary.toString());
                cluster.network().isolate(primary.number(), false);
            });
        }
    }

    private void cutLink() {
        int one = (int) simulation.between(0, SimulatedCluster.MEMBERS - 1L);
        int other = (one + 1) % SimulatedCluster.MEMBERS;
        simulation.note("server%s and server%s do not reach each other", one, other);
        cluster.network().cut(one, other, true);
        simulation.schedule(
                simulation.spread(lease / 2, 4 * lease), () -> cluster.network().cut(one, other, false));
    }

    /** A process that does not reach the primary is as good as cut off. */
    private void cutOneServer(Member member) {
        if (member.isImpaired()) {
            return;
        }
        int server = (int) simulation.between(0, SimulatedCluster.MEMBERS - 1L);
        simulation.note("%s does not reach server%s", member.name(), server);
        cluster.network().cut(member.process(), server, true);
        member.beginImpairment();
        simulation.schedule(simulation.spread(lease / 2, 3 * lease), () -> {
            cluster.network().cut(member.process(), server, false);
            member.endImpairment();
        });
    }

    /** Single operations fail for some time. */
    private void disturb() {
        if (ended) {
            return;
        }
        simulation.note("single operations fail");
        FaultRates faults = cluster.faults();
        faults.lostRequest = rate();
        faults.lostAnswer = rate();
        faults.transientError = rate();
        faults.documentError = rate();
        faults.delay = rate();
        faults.longestDelayNanos = simulation.spread(lease / 4, 3 * lease);
        long time = simulation.spread(lease / 2, 4 * lease);
        world.setNoisyFor(time + 2 * lease);
        simulation.schedule(time, () -> {
            double steps = faults.stepDownInInsert;
            faults.clear();
            faults.stepDownInInsert = steps;
        });
    }

    private double rate() {
        return simulation.chance(0.5) ? 0 : simulation.random().nextDouble() * world.settings().noise;
    }
}
