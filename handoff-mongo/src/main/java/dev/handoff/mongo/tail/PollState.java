package dev.handoff.mongo.tail;

/** Decides when a {@link TailLoop} fetches a stream. Only the loop writes the fields that are not volatile. */
final class PollState {

    private volatile long movedAt;
    private volatile boolean named;

    private long askedAt;
    /** The time to wait after {@link #askedAt} while the stream is silent or has a gap. */
    private long pause;

    private boolean gap;
    private long gapAt;
    private long gapSince;

    private long checkedAt;
    private boolean shorter;

    PollState(long now) {
        this.askedAt = now;
        this.movedAt = now;
        this.checkedAt = now;
    }

    /** Notes that the stream has grown. */
    void moved(long now) {
        movedAt = now;
    }

    boolean isSilent(long now, long silence) {
        return now - movedAt > silence;
    }

    /** Marks the stream as one that has more. */
    void name() {
        named = true;
    }

    boolean isNamed() {
        return named;
    }

    long askedAt() {
        return askedAt;
    }

    /** Notes a fetch. Called before it, so that a name that comes meanwhile counts for the next one. */
    void beginFetch(long now) {
        named = false;
        askedAt = now;
    }

    long pause() {
        return pause;
    }

    /** Makes the pause longer by half, within bounds. */
    void growPause(long shortest, long longest) {
        pause = Math.min(Math.max(shortest, pause + pause / 2), longest);
    }

    void resetPause() {
        pause = 0;
    }

    /** Returns whether the entry at a position is missing though later ones exist. */
    boolean hasGapAt(long position) {
        return gap && gapAt == position;
    }

    /** Notes a gap and returns for how long it has been there. */
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

    /** Notes a check of the length. Returns whether the stream is shorter than expected, and was so in the last check, too. */
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
