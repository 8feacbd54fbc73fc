// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.delivery.Feed;
import dev.handoff.http.Problem;

/**
 * The periodic checks of a stream whose reader has caught up: whether a hint was lost, and whether the stream is still kept. They call the
 * store, and therefore never hold the turn meanwhile.
 */
final class StreamChecks {

    private final AsyncResponse async;
    private final Pump pump;
    private final Turns turns;
    private final Feed feed;

    StreamChecks(AsyncResponse async, Pump pump, Turns turns, Feed feed) {
        this.async = async;
        this.pump = pump;
        this.turns = turns;
        this.feed = feed;
    }

    /**
     * Reads the stream again in case a hint was lost, and closes a broken connection that the container has not closed.
     * Blocks for as long as the store takes.
     *
     * @param run identifies the run of the job
     */
    void look(Object run) {
        long after;
        if (!async.turn.tryLock()) {
            return;
        }
        try {
            if (async.isBroken()) {
                // The container took no job when that was noticed.
                async.close();
            }
            if (!isIdle()) {
                return;
            }
            after = feed.position();
        } finally {
            async.turn.unlock();
        }
        if (feed.hasMore(after, run)) {
            turns.elsewhere();
        }
        interruptIfGone();
    }

    /**
     * Checks that the stream is still kept, if nothing of it was delivered for a time. Blocks for as long as the store
     * takes.
     *
     * @param run identifies the run of the job
     * @param now the time in milliseconds
     * @param idleMillis for how long nothing was delivered, and the least time between two checks of a stream
     */
    void checkKept(Object run, long now, long idleMillis) {
        long seen;
        if (!async.turn.tryLock()) {
            return;
        }
        try {
            if (!isIdle() || now - feed.deliveredAt() < idleMillis) {
                return;
            }
            seen = feed.position();
        } finally {
            async.turn.unlock();
        }
        feed.checkKept(seen, run, now, idleMillis);
        interruptIfGone();
    }

    /** Returns whether the response is open and waits for more of its stream. */
    private boolean isIdle() {
        return async.isOpen() && pump.isCaughtUp();
    }

    private void interruptIfGone() {
        Problem gone = feed.gone();
        if (gone != null) {
            feed.interrupt(gone);
            turns.elsewhere();
        }
    }
}
