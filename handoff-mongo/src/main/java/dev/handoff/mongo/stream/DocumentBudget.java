// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.time.Ticker;
import java.util.concurrent.TimeUnit;

/**
 * Limits how many documents this process writes per second, by a token bucket. Each document takes one token. The bucket fills evenly and
 * holds at most the tokens of a quarter of a second.
 *
 * <p>Urgent documents do not wait. If they take more tokens than the bucket has, the bucket goes into debt. At most nine tenths of the new
 * tokens repay the debt, so that other documents always get a tenth.
 *
 * <p>When streams start to wait for tokens, they wait until the bucket is half full again. Meanwhile each stream has gathered events, so
 * one document of each stream often suffices, and then no stream waits any longer. Without this pause, streams that once had too many
 * events would wait for ever, because their number of documents stays the same. If the tokens do not suffice, the streams go on one by one.
 *
 * <p>While streams wait, the bucket fills 5 % more slowly. This compensates for the burst of a full bucket, so that the average over
 * several seconds stays within the budget.
 *
 * <p>Not thread-safe.
 */
final class DocumentBudget {

    private static final int BURSTS_PER_SECOND = 4;
    private static final double REPAID = 0.9;
    private static final double WHILE_SHORT = 0.95;

    private final Ticker ticker;
    private final double perNano;
    private final double most;
    /** The tokens in the bucket; negative while it is in debt. */
    private double tokens;
    /** The tokens that came in during the debt and are reserved for documents that are not urgent. */
    private double spare;

    /** Whether documents wait for tokens. */
    private boolean isShort;
    /** Whether documents wait until the bucket is half full. */
    private boolean collecting;

    private long filledAt;

    DocumentBudget(Ticker ticker, int documentsPerSecond) {
        this.ticker = ticker;
        this.perNano = documentsPerSecond / (double) TimeUnit.SECONDS.toNanos(1);
        this.most = Math.max(1.0, documentsPerSecond / (double) BURSTS_PER_SECOND);
        this.tokens = most;
        this.filledAt = ticker.read();
    }

    /** Returns how many documents that are not urgent the process may write now. */
    int available() {
        fill();
        return (int) (spare + (collecting ? 0 : Math.max(0, tokens)));
    }

    /** Takes the tokens of urgent documents. If the bucket has fewer, it goes into debt, at most by the tokens of a full bucket. */
    void takeUrgent(int documents) {
        fill();
        tokens = Math.max(-most, tokens - documents);
    }

    /** Takes the tokens of documents that are not urgent, at most as many as {@link #available} returned. */
    void take(int documents) {
        fill();
        double ofSpare = Math.min(spare, documents);
        spare -= ofSpare;
        tokens -= documents - ofSpare;
    }

    /** Records that documents wait for tokens. */
    void tooFew() {
        collecting |= !isShort;
        isShort = true;
    }

    /** Records that no document waits for tokens. */
    void enough() {
        isShort = false;
        collecting = false;
    }

    /** Returns the nanoseconds until the process may write a document that is not urgent; 0 if it may now. */
    long nanosUntilAvailable() {
        if (available() > 0) {
            return 0;
        }
        double rate = perNano * (isShort ? WHILE_SHORT : 1);
        double repaid = tokens < 0 ? -tokens / (REPAID * rate) : 0;
        double missing = collecting ? halfFull() - Math.max(0, tokens) : 1 - Math.max(0, tokens) - spare;
        double nanos = repaid + missing / rate;
        if (tokens < 0) {
            nanos = Math.min((1 - spare) / ((1 - REPAID) * rate), nanos);
        }
        return (long) Math.ceil(nanos);
    }

    private double halfFull() {
        return Math.max(1, most / 2);
    }

    private void fill() {
        long now = ticker.read();
        double flows = (now - filledAt) * perNano * (isShort ? WHILE_SHORT : 1);
        filledAt = now;
        if (tokens < 0) {
            double repaid = Math.min(-tokens, REPAID * flows);
            tokens += repaid;
            flows -= repaid;
            double kept = Math.min(flows, Math.max(0, Math.max(1, most / 10) - spare));
            spare += kept;
            flows = tokens < 0 ? 0 : flows - kept;
        }
        tokens = Math.min(most, tokens + flows);
        if (tokens >= halfFull()) {
            collecting = false;
        }
    }
}
