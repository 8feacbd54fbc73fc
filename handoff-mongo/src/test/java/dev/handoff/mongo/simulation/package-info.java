/** A deterministic simulation of processes, their clocks and a replica set. */
@NullMarked
package dev.handoff.mongo.simulation;

import org.jspecify.annotations.NullMarked;
