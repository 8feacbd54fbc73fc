// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A replica set of three servers. A write is in the local view of the primary at once, and in its majority view when two servers have it. Members
 * elect another primary when they do not hear from one. A primary that comes back from behind a partition rolls back what no majority had stored.
 */
final class SimulatedCluster {

    /** The time at which a simulation begins, if the clock of a server is right. */
    static final long EPOCH_MILLIS = 1_800_000_000_000L;

    static final int MEMBERS = 3;
    private static final long HEARTBEAT_NANOS = 200_000_000L;
    private static final int ENTRIES_AT_A_TIME = 200;

    /** What is told whether a majority has stored something, or that the primary cannot know any more. */
    interface Waiter {

        void done(boolean committed);
    }

    /** What is told which entries have been stored by a majority, in their order. */
    interface CommitListener {

        void onCommit(Replica.Entry entry);
    }

    private final Simulation simulation;
    private final ClusterSettings settings;
    private final FaultRates faults = new FaultRates();
    private final List<Replica> replicas = new ArrayList<>();
    private final Network network = new Network(MEMBERS);
    private final boolean[][] pulling = new boolean[MEMBERS][MEMBERS];
    private final List<Replica.Entry> committed = new ArrayList<>();
    private final List<Runnable> held = new ArrayList<>();
    private boolean frozen;
    private CommitListener listener = entry -> {};
    private long electAt;
    private long latestTerm;
    private int rolledBack;
    private int elections;

    SimulatedCluster(Simulation simulation, ClusterSettings settings) {
        this.simulation = simulation;
        this.settings = settings;
        long spread = settings.clockSpread.toMillis();
        for (int i = 0; i < MEMBERS; i++) {
            replicas.add(new Replica(this, i, MEMBERS, simulation.between(-spread, spread)));
        }
        elect(replicas.get(0), replicas);
        simulation.schedule(HEARTBEAT_NANOS, this::heartbeat);
        if (settings.ttl) {
            Expiry.repeat(this);
        }
    }

    Simulation simulation() {
        return simulation;
    }

    ClusterSettings settings() {
        return settings;
    }

    FaultRates faults() {
        return faults;
    }

    int rolledBack() {
        return rolledBack;
    }

    int elections() {
        return elections;
    }

    void onCommit(CommitListener newListener) {
        this.listener = newListener;
    }

    /** Returns the database as one process sees it. */
    Database connect(SimulatedProcess process) {
        return new SimulatedDatabase(this, process);
    }

    // Network

    Network network() {
        return network;
    }

    private boolean reaches(Replica one, Replica other) {
        return one == other || (one.isUp() && other.isUp() && !frozen && !network.isCut(one, other));
    }

    /** Stops all servers. Requests that arrive meanwhile are done later. */
    void freeze() {
        frozen = true;
    }

    /** Lets all servers go on. */
    void thaw() {
        frozen = false;
        replicas.forEach(r -> r.hearPrimary(simulation.now()));
        List<Runnable> requests = List.copyOf(held);
        held.clear();
        requests.forEach(r -> simulation.schedule(simulation.between(0, 20_000_000), r));
    }

    boolean isFrozen() {
        return frozen;
    }

    /** Does something at a server: at once, or when the servers go on. */
    void whenThawed(Runnable request) {
        if (frozen) {
            held.add(request);
        } else {
            request.run();
        }
    }

    /** Ends all faults of servers and networks. */
    void heal() {
        faults.clear();
        network.heal();
        for (int i = 0; i < MEMBERS; i++) {
            if (!replicas.get(i).isUp()) {
                restart(i);
            }
        }
        if (frozen) {
            thaw();
        }
    }

    // Members

    List<Replica> replicas() {
        return replicas;
    }

    /** Returns the primary of the latest term, if there is one that is up. */
    @Nullable
    Replica primary() {
        Replica latest = null;
        for (Replica replica : replicas) {
            if (replica.isPrimary() && (latest == null || replica.term() > latest.term())) {
                latest = replica;
            }
        }
        return latest;
    }

    /** Returns what a majority has stored for good. */
    List<Replica.Entry> committed() {
        return committed;
    }

    void kill(int replica) {
        simulation.note("%s is killed", replicas.get(replica).toString());
        replicas.get(replica).kill();
    }

    void restart(int replica) {
        simulation.note("%s starts again", replicas.get(replica).toString());
        replicas.get(replica).restart(simulation.now());
    }

    /** Lets the primary give up its role. Another one, or the same, is elected soon. */
    void stepDown(Replica replica) {
        if (replica.isPrimary()) {
            simulation.note("%s steps down", replica.toString());
            replica.stepDown();
            electAt = simulation.now() + simulation.between(50_000_000, settings.electionTimeout.toNanos() / 4);
        }
    }

    private void heartbeat() {
        simulation.schedule(HEARTBEAT_NANOS, this::heartbeat);
        if (frozen) {
            return;
        }
        long now = simulation.now();
        for (Replica replica : replicas) {
            if (!replica.isUp()) {
                continue;
            }
            Replica leader = leaderFor(replica);
            if (leader != null) {
                replica.hearPrimary(now);
                if (replica.isPrimary() && leader != replica) {
                    replica.stepDown();
                }
            }
            if (replica.isPrimary()) {
                if (!reachesMajority(replica)) {
                    if (now - replica.heardPrimaryAt() > settings.electionTimeout.toNanos()) {
                        simulation.note("%s steps down without a majority", replica.toString());
                        replica.stepDown();
                    }
                } else {
                    replica.hearPrimary(now);
                    replicateSoon(replica);
                }
            }
        }
        electIfDue(now);
    }

    /** Returns the primary that a server follows: one of its own term or a later one. */
    private @Nullable Replica leaderFor(Replica replica) {
        Replica leader = null;
        for (Replica other : replicas) {
            if (other != replica
                    && other.isPrimary()
                    && reaches(replica, other)
                    && other.term() >= replica.term()
                    && (!replica.isPrimary() || other.term() > replica.term())
                    && (leader == null || other.term() > leader.term())) {
                leader = other;
            }
        }
        return leader;
    }

    private boolean reachesMajority(Replica replica) {
        int count = 0;
        for (Replica other : replicas) {
            if (reaches(replica, other)) {
                count++;
            }
        }
        return 2 * count > MEMBERS;
    }

    private void electIfDue(long now) {
        long timeout = settings.electionTimeout.toNanos();
        List<Replica> candidates = new ArrayList<>();
        for (Replica candidate : replicas) {
            if (!candidate.isUp() || candidate.isPrimary() || leaderFor(candidate) != null) {
                continue;
            }
            boolean due = now - candidate.heardPrimaryAt() > timeout || (electAt > 0 && now >= electAt);
            int votes = 0;
            for (Replica voter : replicas) {
                if (votesFor(voter, candidate)) {
                    votes++;
                }
            }
            if (due && 2 * votes > MEMBERS) {
                candidates.add(candidate);
            }
        }
        if (!candidates.isEmpty()) {
            electAt = 0;
            Replica winner = candidates.get((int) simulation.between(0, candidates.size() - 1L));
            elect(winner, replicas.stream().filter(v -> votesFor(v, winner)).toList());
        }
    }

    private boolean hasLeader(Replica voter) {
        return voter.isPrimary() ? reachesMajority(voter) : leaderFor(voter) != null;
    }

    private boolean votesFor(Replica voter, Replica candidate) {
        return reaches(candidate, voter) && candidate.isUpToDate(voter) && !hasLeader(voter);
    }

    /** A server that has voted takes nothing from the primary of an earlier term any more. */
    private void elect(Replica winner, List<Replica> voters) {
        elections++;
        latestTerm++;
        voters.forEach(v -> v.vote(latestTerm));
        simulation.note(
                "%s is primary of term %s, elected by %s",
                winner.toString(),
                latestTerm,
                voters.stream().map(Replica::describe).toList().toString());
        winner.hearPrimary(simulation.now());
        winner.lead(latestTerm, !settings.servesAtOnce);
    }

    // Replication

    /** Lets the other servers take over the log of the primary after the time of the network. */
    void replicateSoon(Replica primary) {
        for (Replica other : replicas) {
            if (other != primary && !pulling[primary.number()][other.number()] && reaches(primary, other)) {
                pulling[primary.number()][other.number()] = true;
                simulation.schedule(latency(), () -> pull(primary, other));
            }
        }
    }

    private void pull(Replica primary, Replica other) {
        pulling[primary.number()][other.number()] = false;
        if (!primary.isPrimary() || !reaches(primary, other) || other.term() > primary.term()) {
            return;
        }
        if (other.isPrimary()) {
            other.stepDown();
        }
        int dropped = other.follow(primary, ENTRIES_AT_A_TIME);
        if (dropped > 0) {
            rolledBack += dropped;
            simulation.note("%s rolls back %s entries", other.toString(), dropped);
        }
        other.hearPrimary(simulation.now());
        int has = other.length();
        long term = primary.term();
        if (has < primary.length()) {
            replicateSoon(primary);
        }
        simulation.schedule(latency(), () -> {
            if (primary.isPrimary() && primary.term() == term && reaches(primary, other)) {
                primary.acknowledge(other.number(), has);
            }
        });
    }

    long latency() {
        return simulation.spread(settings.latencyLow.toNanos(), settings.latencyHigh.toNanos());
    }

    /** Records what a primary knows to be stored by a majority. This is never taken back. */
    void onCommit(Replica primary, List<Replica.Entry> log, int length) {
        int known = Math.min(committed.size(), length);
        if (known > 0 && committed.get(known - 1) != log.get(known - 1)) {
            simulation.fail("cluster", primary + " commits another entry at " + (known - 1));
        }
        for (int i = known; i < length; i++) {
            committed.add(log.get(i));
            listener.onCommit(log.get(i));
        }
    }
}
