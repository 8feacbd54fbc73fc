// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The size, the times and the faults of a simulated deployment. The seed chooses most of them. */
final class WorldSettings {

    private static final double SLOW = 0.08;

    final ClusterSettings cluster = new ClusterSettings();
    int workers;
    int sweepers;
    int servers;
    int tasks;
    int writers;
    int readersPerStream;
    int maxRunning = 10;
    /** Short leases make a simulation short. Everything that depends on a lease follows it. */
    Duration lease = Duration.ofSeconds(2);

    Duration sweepInterval = Duration.ofMillis(400);
    Duration retryFor = Duration.ofSeconds(24);
    Duration shortestPoll = Duration.ofMillis(25);
    Duration longestPoll = Duration.ofMillis(250);
    Duration linger = Duration.ofMillis(6);
    /** How long there are faults. */
    Duration faultsFor;
    /** How long it takes at most after the faults until everything has ended. */
    Duration settledWithin;
    /** Whether streaming servers follow a change stream. */
    boolean feed;
    /** For how long a task may have no reader. */
    @Nullable
    Duration cancelUnattendedAfter;
    /** Whether clients use keys again after the time for which streams are kept. */
    boolean reusesKeys;
    /** How many faults there are. */
    int faults;
    /** How often a single operation fails while some do, at most. */
    double noise = 0.05;
    /** Whether single operations fail as well. */
    boolean noisy;
    /** Whether the faults are only such of processes, so that the store always answers. */
    boolean calmStore;
    /** How many operations on the database a process may begin in a second. */
    int mostOperationsPerSecond = 400;

    /** Returns the settings that a seed chooses. */
    static WorldSettings of(Simulation simulation) {
        WorldSettings settings = new WorldSettings();
        settings.workers = (int) simulation.between(2, 3);
        settings.sweepers = (int) simulation.between(0, 1);
        settings.servers = (int) simulation.between(1, 2);
        settings.tasks = (int) simulation.between(3, 8);
        settings.writers = (int) simulation.between(1, 3);
        settings.readersPerStream = (int) simulation.between(1, 2);
        settings.faults = (int) simulation.between(0, 8);
        settings.maxRunning = simulation.chance(0.3) ? (int) simulation.between(1, 2) : 10;
        settings.noisy = simulation.chance(0.4);
        settings.noise = simulation.chance(0.3) ? 0.25 : 0.05;
        settings.calmStore = simulation.chance(0.2);
        settings.faultsFor = settings.lease.multipliedBy(simulation.between(2, 8));
        settings.settledWithin = settings.lease.multipliedBy(12).plusSeconds(20);
        settings.feed = simulation.chance(0.4);
        settings.cancelUnattendedAfter = simulation.chance(0.3) ? settings.lease.multipliedBy(4) : null;
        ClusterSettings cluster = settings.cluster;
        cluster.majorityWrites = !simulation.chance(0.1);
        cluster.ttl = simulation.chance(0.7);
        cluster.servesAtOnce = simulation.chance(0.3);
        cluster.electionTimeout = settings.lease;
        cluster.timeout = settings.lease.dividedBy(2);
        cluster.eventRetention = settings.lease.multipliedBy(60);
        cluster.taskRetention = cluster.eventRetention;
        cluster.tasksOutlive = settings.lease.multipliedBy(2);
        cluster.timeValid = settings.lease.multipliedBy(6);
        cluster.clockSpread = Duration.ofSeconds(10);
        if (simulation.chance(0.1)) {
            settings.reusesKeys = true;
            settings.tasks = 3;
            cluster.eventRetention = settings.lease.multipliedBy(10);
            cluster.taskRetention = cluster.eventRetention;
            // A server whose clock is ahead by the retention time deletes events as soon as they are written.
            cluster.clockSpread = Duration.ofSeconds(1);
            settings.settledWithin = settings.settledWithin.plus(cluster.eventRetention.multipliedBy(2));
        } else if (simulation.chance(SLOW)) {
            settings.slowStore();
        } else if (simulation.chance(0.3)) {
            cluster.latencyLow = Duration.ofMillis(1);
            cluster.latencyHigh = Duration.ofMillis(20);
        }
        return settings;
    }

    /** Makes each operation take about 260 ms. There are no faults then, and many tasks. */
    void slowStore() {
        cluster.latencyLow = Duration.ofMillis(120);
        cluster.latencyHigh = Duration.ofMillis(140);
        lease = Duration.ofSeconds(10);
        sweepInterval = Duration.ofSeconds(2);
        cluster.timeout = Duration.ofSeconds(5);
        cluster.electionTimeout = lease;
        faults = 0;
        noisy = false;
        tasks = 30;
        writers = 0;
        maxRunning = 30;
        faultsFor = Duration.ofSeconds(1);
        settledWithin = Duration.ofSeconds(30);
        reusesKeys = false;
        cancelUnattendedAfter = null;
    }
}
