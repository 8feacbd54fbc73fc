// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import jakarta.servlet.ServletOutputStream;
import java.util.function.LongSupplier;

/**
 * How long a client may take nothing before it is cut off. A client takes nothing while its socket is full: from the moment when the
 * container says that the output is not ready, until it calls the write listener. Each write begins the time anew.
 */
final class WriteDeadline {

    private final LongSupplier clock;
    private final long millis;

    /** Whether the socket takes nothing: until the container calls for the first time, and when it is full. */
    private volatile boolean blocked = true;
    /** Since when, in milliseconds. */
    private volatile long blockedSince;

    /**
     * A deadline of a client whose socket takes nothing yet.
     *
     * @param clock the time in milliseconds
     * @param millis how long the client may take nothing
     */
    WriteDeadline(LongSupplier clock, long millis) {
        this.clock = clock;
        this.millis = millis;
        this.blockedSince = clock.getAsLong();
    }

    /** Begins the time anew, when the response begins. */
    void restart() {
        blockedSince = clock.getAsLong();
    }

    /** Asks the container once: after it has said no it calls the write listener, and must not be asked before. */
    boolean isReady(ServletOutputStream out) {
        if (blocked) {
            return false;
        }
        // Set first, since the container may call before isReady() has returned.
        blockedSince = clock.getAsLong();
        blocked = true;
        if (!out.isReady()) {
            return false;
        }
        blocked = false;
        return true;
    }

    /** Called when the container has called the write listener: the socket takes more. */
    void unblock() {
        blocked = false;
    }

    boolean isBlocked() {
        return blocked;
    }

    boolean isOver(long now) {
        return blocked && now - blockedSince >= millis;
    }

    /** Returns for how long the client has taken nothing, in milliseconds. */
    long blockedFor(long now) {
        return now - blockedSince;
    }

    long millis() {
        return millis;
    }
}
