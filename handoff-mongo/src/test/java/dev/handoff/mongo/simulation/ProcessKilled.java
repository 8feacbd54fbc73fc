// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

/** Ends an actor of a process that was killed, or of a simulation that is over. Code that catches it gets it again at its next call. */
final class ProcessKilled extends Error {

    private static final long serialVersionUID = 1;

    ProcessKilled() {
        super("the process was killed", null, false, false);
    }
}
