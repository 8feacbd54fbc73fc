// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of a {@link TailPoller}. A later version may add a setting, which changes the constructor but not {@link #of} and the
 * {@code with…} methods.
 *
 * @param executor runs the polling loops; each loop needs a thread
 * @param hintExecutor runs the hints of readers; null to run them on the executor of the loops
 * @param ticker the source of monotonic time
 * @param poll how often streams are fetched
 * @param loops how many loops share the streams
 * @param windowBytes the most bytes that the windows of all streams may hold together
 * @param observer receives measurements of the fetches
 */
public record TailSettings(
        ScheduledExecutorService executor,
        @Nullable Executor hintExecutor,
        Ticker ticker,
        PollInterval poll,
        int loops,
        long windowBytes,
        HandoffObserver observer) {

    /** The default number of loops. */
    public static final int LOOPS = 2;

    private static final long MOST_WINDOW_BYTES = 64L << 20;

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if {@code loops} is less than 1 or {@code windowBytes} is negative
     */
    public TailSettings {
        if (loops < 1) {
            throw new IllegalArgumentException("loops is less than 1: " + loops);
        }
        if (windowBytes < 0) {
            throw new IllegalArgumentException("windowBytes is negative: " + windowBytes);
        }
    }

    /** Returns settings with two loops and the default limit of the windows, without an observer. */
    public static TailSettings of(
            ScheduledExecutorService executor, @Nullable Executor hintExecutor, Ticker ticker, PollInterval poll) {
        return new TailSettings(
                executor, hintExecutor, ticker, poll, LOOPS, defaultWindowBytes(), HandoffObserver.NONE);
    }

    /** Returns these settings with another number of loops. */
    public TailSettings withLoops(int loops) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns these settings with another limit for the bytes of all windows. */
    public TailSettings withWindowBytes(long windowBytes) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns these settings with an observer. */
    public TailSettings withObserver(HandoffObserver observer) {
        return new TailSettings(executor, hintExecutor, ticker, poll, loops, windowBytes, observer);
    }

    /** Returns the default limit for the bytes of all windows: a 128th of the heap, but at most 64 MB. Batches that
     * stay longer survive garbage collections, whose pauses then delay all events. */
    public static long defaultWindowBytes() {
        return Math.min(Runtime.getRuntime().maxMemory() / 128, MOST_WINDOW_BYTES);
    }
}
