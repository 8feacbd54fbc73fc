// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.time.Duration;

/** How a simulated replica set and its clients are configured. The defaults are those of a deployment on a quick network. */
final class ClusterSettings {

    /** Whether events are written with majority, or with w:1. */
    boolean majorityWrites = true;
    /** Whether reads show only what a majority has stored. */
    boolean majorityReads = true;
    /** Whether the server deletes expired documents. */
    boolean ttl = true;
    /** Whether a new primary answers before it knows again what a majority has stored. */
    boolean servesAtOnce;
    /** The shortest time of a request or an answer. */
    Duration latencyLow = Duration.ofNanos(200_000);
    /** The longest time of a request or an answer without a fault. */
    Duration latencyHigh = Duration.ofMillis(2);
    /** How long members wait for a primary before they elect another. */
    Duration electionTimeout = Duration.ofSeconds(10);
    /** How long a client waits for an operation. */
    Duration timeout = Duration.ofSeconds(5);

    Duration eventRetention = Duration.ofHours(24);
    Duration taskRetention = Duration.ofHours(24);
    /** How much longer a task is kept than its events. */
    Duration tasksOutlive = Duration.ofHours(1);
    /** How long a process believes what a server has said about the time. */
    Duration timeValid = Duration.ofMinutes(1);
    /** Whether documents have the time of the process that writes them instead of that of the server. */
    boolean localTimes;
    /** Whether beats are read only where a majority follows the primary. */
    boolean confirmsBeats = true;
    /** The largest difference between virtual time and the clock of a server. */
    Duration clockSpread = Duration.ofSeconds(10);
}
