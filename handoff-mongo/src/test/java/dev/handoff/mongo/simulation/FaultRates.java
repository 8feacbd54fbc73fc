// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

/** How likely the network and the servers fail at one operation. A simulation changes this while it runs. */
final class FaultRates {

    /** A request does not arrive. */
    double lostRequest;
    /** An operation is done, and its answer does not arrive. */
    double lostAnswer;
    /** A request or an answer takes much longer, up to {@link #longestDelayNanos}. */
    double delay;

    long longestDelayNanos = 3_000_000_000L;
    /** One document of an insert is refused for now, and the server says so. */
    double documentError;
    /** The primary steps down within an insert of several documents. */
    double stepDownInInsert;
    /** An operation is not done, and the server says that it might work later. */
    double transientError;

    /** Ends all faults. */
    void clear() {
        lostRequest = 0;
        lostAnswer = 0;
        delay = 0;
        documentError = 0;
        stepDownInInsert = 0;
        transientError = 0;
    }
}
