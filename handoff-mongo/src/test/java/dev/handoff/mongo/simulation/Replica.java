// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/** One server of a replica set: its log, its role and its views. */
final class Replica {

    /** What the members of the set agree on: a change, the term of the primary that made it, and where it stands in the log. */
    record Entry(long term, List<Documents.Change> changes) {}

    private final SimulatedCluster cluster;
    private final int number;
    /** How much the clock of the server differs from virtual time, in milliseconds. */
    private final long clockOffset;

    private final List<Entry> log = new ArrayList<>();
    private long term;
    private int committed;
    private boolean up = true;
    private boolean primary;
    private boolean serving;
    private long heardPrimaryAt;

    // Only while it is primary.
    private Documents local = new Documents();
    private Documents majority = new Documents();
    private final int[] matched;
    /** What waits until a majority has stored the log up to an index. */
    private final TreeMap<Integer, List<SimulatedCluster.Waiter>> waiters = new TreeMap<>();

    Replica(SimulatedCluster cluster, int number, int members, long clockOffset) {
        this.cluster = cluster;
        this.number = number;
        this.clockOffset = clockOffset;
        this.matched = new int[members];
    }

    int number() {
        return number;
    }

    long term() {
        return term;
    }

    boolean isUp() {
        return up;
    }

    boolean isPrimary() {
        return up && primary;
    }

    /** Returns whether it answers clients as a primary. */
    boolean isServing() {
        return isPrimary() && serving;
    }

    int length() {
        return log.size();
    }

    int committed() {
        return committed;
    }

    long lastTerm() {
        return log.isEmpty() ? 0 : log.get(log.size() - 1).term();
    }

    long heardPrimaryAt() {
        return heardPrimaryAt;
    }

    void hearPrimary(long now) {
        heardPrimaryAt = now;
    }

    /** Returns the time of its clock in milliseconds. */
    long clock(long now) {
        return SimulatedCluster.EPOCH_MILLIS + now / 1_000_000 + clockOffset;
    }

    /** Returns what the server has applied itself. */
    Documents local() {
        return local;
    }

    /** Returns what a majority has stored, as far as this server knows. */
    Documents majority() {
        return majority;
    }

    /** Returns whether the log of this server has at least what that of another one has. */
    boolean isUpToDate(Replica other) {
        return lastTerm() != other.lastTerm() ? lastTerm() > other.lastTerm() : length() >= other.length();
    }

    /** Makes it the primary of a term. */
    void lead(long newTerm, boolean waitForCommit) {
        term = newTerm;
        primary = true;
        serving = !waitForCommit;
        waiters.clear();
        local = new Documents();
        majority = new Documents();
        for (int i = 0; i < log.size(); i++) {
            for (Documents.Change change : log.get(i).changes()) {
                local.apply(change);
                if (i < committed) {
                    majority.apply(change);
                }
            }
        }
        Arrays.fill(matched, 0);
        // An entry of its own term, since only with such a one can it know that a majority has the entries before.
        append(List.of());
    }

    /** Votes for the primary of a term. */
    void vote(long newTerm) {
        stepDown();
        term = newTerm;
    }

    /** Gives the role of the primary up. What waits for a majority gets no answer to that. */
    void stepDown() {
        if (primary) {
            primary = false;
            serving = false;
            List<List<SimulatedCluster.Waiter>> open = List.copyOf(waiters.values());
            waiters.clear();
            open.forEach(waiting -> waiting.forEach(w -> w.done(false)));
        }
    }

    void kill() {
        up = false;
        primary = false;
        serving = false;
        waiters.clear();
    }

    void restart(long now) {
        up = true;
        heardPrimaryAt = now;
    }

    /** Adds an entry as the primary, and returns the length of the log up to it. */
    int append(List<Documents.Change> changes) {
        log.add(new Entry(term, changes));
        changes.forEach(local::apply);
        matched[number] = log.size();
        cluster.replicateSoon(this);
        return log.size();
    }

    /** Tells a waiter when a majority has stored the log up to a length. */
    void await(int length, SimulatedCluster.Waiter waiter) {
        if (length <= committed) {
            waiter.done(true);
        } else {
            waiters.computeIfAbsent(length, l -> new ArrayList<>()).add(waiter);
        }
    }

    /** Takes over the log of the primary, and drops what that does not have. Returns how many entries were rolled back. */
    int follow(Replica leader, int limit) {
        if (leader.length() < committed) {
            cluster.simulation().fail("cluster", this + " has more committed entries than " + leader + " has at all");
        }
        int same = Math.min(committed, leader.length());
        while (same < log.size() && same < leader.log.size() && log.get(same) == leader.log.get(same)) {
            same++;
        }
        int rolledBack = log.size() - same;
        if (rolledBack > 0) {
            log.subList(same, log.size()).clear();
        }
        int to = Math.min(leader.log.size(), same + limit);
        log.addAll(leader.log.subList(same, to));
        term = leader.term;
        committed = Math.max(committed, Math.min(leader.committed, log.size()));
        return rolledBack;
    }

    /** Notes as the primary how much of its log another server has. */
    void acknowledge(int from, int length) {
        matched[from] = Math.max(matched[from], length);
        int[] sorted = matched.clone();
        Arrays.sort(sorted);
        int by = sorted[(sorted.length - 1) / 2];
        if (by > committed && by <= log.size() && log.get(by - 1).term() == term) {
            for (int i = committed; i < by; i++) {
                log.get(i).changes().forEach(majority::apply);
            }
            committed = by;
            serving = true;
            cluster.onCommit(this, log, by);
            while (!waiters.isEmpty() && waiters.firstKey() <= committed) {
                waiters.pollFirstEntry().getValue().forEach(w -> w.done(true));
            }
        }
    }

    /** Returns its name and how far its log goes. */
    String describe() {
        return this + " with " + length() + " entries, the last of term " + lastTerm() + ", " + committed
                + " of them committed";
    }

    @Override
    public String toString() {
        return "server" + number;
    }
}
