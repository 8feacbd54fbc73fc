// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.concurrent.TimeUnit;

/** Decides when a {@link TailLoop} fetches a stream. Only the loop writes the fields that are not volatile. */
final class PollState {

    /** The time between two fetches of a stream while a change feed delivers. */
    static final long PAUSE_WITH_FEED = TimeUnit.SECONDS.toNanos(1);

    private volatile long movedAt;
    private volatile long deliveredAt;
    private volatile boolean named;

    private long askedAt;
    /** The time from {@link #askedAt} until the next fetch, in nanoseconds, while the stream is silent or has a gap. */
    private long pause;

    private boolean gap;
    private long gapAt;
    private long gapSince;

    private long checkedAt;
    private boolean shorter;

    PollState(long now) {
        this.askedAt = now;
        this.movedAt = now;
        this.deliveredAt = now;
        this.checkedAt = now;
    }

    /** Records that the stream has grown. */
    void moved(long now) {
        movedAt = now;
    }

    /** Records that the change feed has delivered the next batch of the stream, so that nothing was missing until now. */
    void delivered(long now) {
        deliveredAt = now;
    }

    boolean isSilent(long now, long silence) {
        return now - movedAt > silence;
    }

    /** Marks the stream for a fetch, because it has more entries. */
    void name() {
        named = true;
    }

    boolean isNamed() {
        return named;
    }

    long askedAt() {
        return askedAt;
    }

    /**
     * Returns when the next fetch is due: after the pause since the last fetch. While the change feed delivers, it is due a second after the
     * last fetch or the last delivery of the change feed, whichever was later.
     */
    long dueAt(boolean fed) {
        if (!fed) {
            return askedAt + pause;
        }
        long delivered = deliveredAt;
        long completeAt = delivered - askedAt > 0 ? delivered : askedAt;
        return completeAt + Math.max(PAUSE_WITH_FEED, pause);
    }

    /** Records a fetch. Must be called before the fetch, so that a call of {@link #name} during it counts for the next fetch. */
    void beginFetch(long now) {
        named = false;
        askedAt = now;
    }

    long pause() {
        return pause;
    }

    /** Increases the pause by half, within these bounds. */
    void growPause(long shortest, long longest) {
        pause = Math.min(Math.max(shortest, pause + pause / 2), longest);
    }

    void resetPause() {
        pause = 0;
    }

    /** Returns whether the entry at a position is missing although later ones exist. */
    boolean hasGapAt(long position) {
        return gap && gapAt == position;
    }

    /** Records a gap and returns how long it has existed, in nanoseconds. */
    long noteGap(long position, long now) {
        if (!hasGapAt(position)) {
            gap = true;
            gapAt = position;
            gapSince = now;
            pause = 0;
        }
        return now - gapSince;
    }

    void closeGap() {
        gap = false;
    }

    long checkedAt() {
        return checkedAt;
    }

    /** Records a check of the length. Returns whether this check and the one before both found the stream shorter than expected. */
    boolean noteCheck(long now, boolean shorterNow) {
        boolean confirmed = shorter && shorterNow;
        checkedAt = now;
        shorter = shorterNow;
        return confirmed;
    }

    /** Returns whether the last check found the stream shorter than expected. */
    boolean isSuspect() {
        return shorter;
    }
}
