package dev.handoff.mongo.stream;

import dev.handoff.time.Ticker;
import java.util.concurrent.TimeUnit;

/**
 * Limits how many documents this process writes in a second. It is a token bucket: one token for each document, filled evenly up to the tokens of a
 * quarter of a second.
 *
 * <p>Urgent documents do not wait. If they take more tokens than there are, the bucket owes them. At most nine tenths of what flows in repays the
 * debt, so that other documents always get a tenth.
 *
 * <p>While streams wait for tokens, 5 % less flows in, until the bucket is half full. This makes up for the burst: over some seconds no more
 * documents are written than the budget says.
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
    /** Negative if urgent documents have taken more than there was. */
    private double tokens;
    /** What came in and did not repay the debt. */
    private double spare;

    private boolean isShort;
    private long filledAt;

    DocumentBudget(Ticker ticker, int documentsPerSecond) {
        this.ticker = ticker;
        this.perNano = documentsPerSecond / (double) TimeUnit.SECONDS.toNanos(1);
        this.most = Math.max(1.0, documentsPerSecond / (double) BURSTS_PER_SECOND);
        this.tokens = most;
        this.filledAt = ticker.read();
    }

    /** Returns how many documents that are not urgent may be written now. */
    int available() {
        fill();
        return (int) (Math.max(0, tokens) + spare);
    }

    /** Takes the tokens of urgent documents. There may be fewer; then the rest is owed, up to the tokens of a burst. */
    void takeUrgent(int documents) {
        fill();
        tokens = Math.max(-most, tokens - documents);
    }

    /** Takes the tokens of documents for which there are tokens. */
    void take(int documents) {
        fill();
        double ofSpare = Math.min(spare, documents);
        spare -= ofSpare;
        tokens -= documents - ofSpare;
    }

    /** Notes that documents wait for tokens. */
    void tooFew() {
        isShort = true;
    }

    /** Returns the nanoseconds until a document may be written. */
    long nanosUntilAvailable() {
        fill();
        double missing = 1 - Math.max(0, tokens) - spare;
        if (missing <= 0) {
            return 0;
        }
        double rate = perNano * (isShort ? WHILE_SHORT : 1);
        double nanos = missing / rate;
        if (tokens < 0) {
            nanos = Math.min(missing / ((1 - REPAID) * rate), nanos - tokens / (REPAID * rate));
        }
        return (long) Math.ceil(nanos);
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
        if (isShort && tokens >= most / 2) {
            isShort = false;
        }
    }
}
