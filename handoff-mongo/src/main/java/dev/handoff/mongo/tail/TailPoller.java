// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventStream;
import dev.handoff.time.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * Fetches the new entries of all streams that have readers in this process, once for all readers of a stream. A few loops share the
 * streams. A stream that grows is fetched often. The pause between fetches of a silent stream becomes longer. While a change feed delivers,
 * each stream is fetched once a second.
 *
 * <p>Positions are dense, so an entry is missing if the next batch does not follow the last known one. The poller then fetches the stream
 * again. If the entry is still missing after a second, or if the stream becomes shorter, the reads of the affected readers fail.
 *
 * <p>Thread-safe. Only the loops call the source. No method of this class blocks.
 */
public final class TailPoller {

    /** Fewer than the reads that the database runs at the same time, so that other reads need not wait for these. */
    private static final int MOST_CATCHING_UP = 6;

    private final Ticker ticker;
    private final Executor hintExecutor;
    private final WindowMemory memory;
    private final FeedHealth feed;
    private final List<TailLoop> loops = new ArrayList<>();
    private final CatchUp catchUp = new CatchUp(MOST_CATCHING_UP);

    /** Creates a poller. It starts to poll when the first watch is registered. */
    public TailPoller(TailSource source, TailSettings settings) {
        this.ticker = settings.ticker();
        this.hintExecutor = hintExecutor(settings);
        this.memory = new WindowMemory(settings.windowBytes());
        this.feed = new FeedHealth(ticker);
        for (int i = 0; i < settings.loops(); i++) {
            loops.add(new TailLoop(source, settings, feed));
        }
    }

    private static Executor hintExecutor(TailSettings settings) {
        Executor own = settings.hintExecutor();
        if (own != null) {
            return new HintLanes(own, Integer.MAX_VALUE);
        }
        // Hints may block, so two threads of the shared executor stay free for the loops and the writer.
        ScheduledExecutorService shared = settings.executor();
        int threads = shared instanceof ThreadPoolExecutor pool ? pool.getCorePoolSize() : 0;
        return new HintLanes(shared, Math.max(1, threads - 2));
    }

    /** Registers a hint that runs when a stream may have more entries, and returns the watch. The caller must close the watch. */
    public TailWindow.Watch watch(String streamId, Runnable hint) {
        TailLoop loop = loopOf(streamId);
        TailWindow.Watch[] watch = new TailWindow.Watch[1];
        loop.windows.compute(streamId, (id, known) -> {
            TailWindow window = known == null ? new TailWindow(id, memory, ticker.read()) : known;
            watch[0] = window.watch(new Hint(hint, hintExecutor), closed -> {
                catchUp.leave(closed);
                dropIfUnwatched(loop, id);
            });
            return window;
        });
        loop.begin();
        return watch[0];
    }

    private static void dropIfUnwatched(TailLoop loop, String streamId) {
        loop.windows.computeIfPresent(streamId, (id, window) -> {
            if (window.isWatched()) {
                return window;
            }
            window.close();
            return null;
        });
    }

    private TailLoop loopOf(String streamId) {
        return loops.get(Math.floorMod(streamId.hashCode(), loops.size()));
    }

    /** Returns whether a stream has readers in this process. */
    public boolean isWatched(String streamId) {
        return window(streamId) != null;
    }

    private @Nullable TailWindow window(String streamId) {
        return loopOf(streamId).windows.get(streamId);
    }

    /** Returns the known entries after a position, at most {@code limit} events; null if the reader must read the database. */
    public EventStream.@Nullable Batch read(TailWindow.Watch watch, long after, int limit) {
        // This starts the loop again if it has stopped because the executor rejected it. Without polls the reader would
        // never see new entries.
        loopOf(watch.window().id()).begin();
        return watch.read(after, limit);
    }

    /**
     * Returns whether a reader that is behind may read the database now, and must then call {@link #endCatchUp}. If too many others do, this
     * returns false, and the reader's hint runs when it may try again.
     */
    public boolean beginCatchUp(TailWindow.Watch watch) {
        return catchUp.begin(watch);
    }

    /** Records that a read of the database has ended. */
    public void endCatchUp() {
        catchUp.end();
    }

    /** Begins to fetch a stream from a position. A reader must have read all entries before that position. */
    public void follow(TailWindow.Watch watch, long position) {
        if (watch.window().follow(position)) {
            loopOf(watch.window().id()).soon();
        }
    }

    /** Adds a batch that this process has written, so that readers see it before the next poll. */
    public void offer(EventBatch batch) {
        TailWindow window = window(batch.stream());
        if (window != null && window.offer(batch) == TailWindow.Offer.TAKEN) {
            window.poll.moved(ticker.read());
        }
    }

    /**
     * Records that the change feed is open, and schedules a fetch of all streams at once. From now on the feed calls {@link #deliver} or
     * {@link #name} for each batch.
     */
    public void feedOpened() {
        feed.opened();
        loops.forEach(TailLoop::askAllAtOnce);
    }

    /** Records that the change feed has answered, with a batch or without one. */
    public void feedAnswered() {
        feed.answered();
    }

    /** Records that the change feed is closed, and schedules a fetch of all streams at once. */
    public void feedClosed() {
        feed.closed();
        loops.forEach(TailLoop::askAllAtOnce);
    }

    /** Adds a batch of the change feed. If entries before the batch are missing, this schedules a fetch of the stream at once. */
    public void deliver(EventBatch batch) {
        feed.delivered();
        TailWindow window = window(batch.stream());
        if (window == null) {
            return;
        }
        long now = ticker.read();
        window.poll.moved(now);
        switch (window.offer(batch)) {
            case TAKEN -> window.poll.delivered(now);
            case GAP -> loopOf(batch.stream()).name(window);
            case CONFLICT, IGNORED -> {}
        }
    }

    /** Schedules a fetch of a stream at once if it has readers in this process, because the change feed reported entries that it did not read. */
    public void name(String streamId) {
        feed.delivered();
        TailWindow window = window(streamId);
        if (window != null) {
            window.poll.moved(ticker.read());
            loopOf(streamId).name(window);
        }
    }

    /** Returns the size of the batches of all windows, in bytes. */
    long windowBytes() {
        return memory.used();
    }
}
