package dev.handoff.mongo.stream;

import dev.handoff.Ticker;
import java.util.concurrent.TimeUnit;

/**
 * Limits how many documents this process writes in a second. It is a token bucket: one token for each document, filled evenly up to the tokens of a
 * quarter of a second. Not thread-safe.
 */
final class DocumentBudget {

    private static final int BURSTS_PER_SECOND = 4;

    private final Ticker ticker;
    private final double perNano;
    private final double most;
    private double tokens;
    private long filledAt;

    DocumentBudget(Ticker ticker, int documentsPerSecond) {
        this.ticker = ticker;
        this.perNano = documentsPerSecond / (double) TimeUnit.SECONDS.toNanos(1);
        this.most = Math.max(1.0, documentsPerSecond / (double) BURSTS_PER_SECOND);
        this.tokens = most;
        this.filledAt = ticker.read();
    }

    /** Returns how many documents may be written now; 0 or less if none. */
    int available() {
        fill();
        return (int) Math.floor(tokens);
    }

    /** Takes the tokens of documents. There may be fewer; then the rest is owed, up to the tokens of a burst. */
    void take(int documents) {
        fill();
        tokens = Math.max(-most, tokens - documents);
    }

    /** Returns the nanoseconds until a document may be written. */
    long nanosUntilAvailable() {
        fill();
        return tokens >= 1 ? 0 : (long) Math.ceil((1 - tokens) / perNano);
    }

    private void fill() {
        long now = ticker.read();
        tokens = Math.min(most, tokens + (now - filledAt) * perNano);
        filledAt = now;
    }
}
