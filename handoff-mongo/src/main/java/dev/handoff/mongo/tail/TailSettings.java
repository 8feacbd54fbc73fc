package dev.handoff.mongo.tail;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a {@link TailPoller}. {@link #of} and the {@code with…} methods stay when a setting is added; the constructor then changes.
 *
 * @param executor runs the polling loops, one thread each
 * @param hintExecutor runs the hints of readers; null if the executor of the loops runs them, too
 * @param poll how often streams are fetched
 * @param loops how many loops share the streams
 * @param windowBytes how many bytes the windows of all streams have at most
 */
public record TailSettings(
        ScheduledExecutorService executor,
        @Nullable Executor hintExecutor,
        Ticker ticker,
        PollInterval poll,
        int loops,
        long windowBytes,
        HandoffObserver observer) {

    /** The number of loops if nothing else is set. */
    public static final int LOOPS = 2;

    private static final long MOST_WINDOW_BYTES = 64L << 20;

    /** Checks the numbers. */
    public TailSettings {
        if (loops < 1) {
            throw new IllegalArgumentException("loops is less than 1: " + loops);
        }
        if (windowBytes < 0) {
            throw new IllegalArgumentException("windowBytes is negative: " + windowBytes);
        }
    }

    /** Returns settings with two loops and the default bound of windows, without an observer. */
    public static TailSettings of(
            ScheduledExecutorService executor, @Nullable Executor hintExecutor, Ticker ticker, PollInterval poll) {
        return new TailSettings(
                executor, hintExecutor, ticker, poll, LOOPS, defaultWindowBytes(), HandoffObserver.NONE);
    }

    /** Returns these settings with another number of loops. */
    public TailSettings withLoops(int loops) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns these settings with another bound of windows. */
    public TailSettings withWindowBytes(long windowBytes) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns these settings with an observer. */
    public TailSettings withObserver(HandoffObserver observer) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns a sixteenth of the heap, but at most 64 MB. */
    public static long defaultWindowBytes() {
        return Math.min(Runtime.getRuntime().maxMemory() / 16, MOST_WINDOW_BYTES);
    }
}
