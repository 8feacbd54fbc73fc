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
 * Follows all streams that have readers in this process, however many readers there are. A few loops share the streams. A
 * stream in which something moves is fetched often, one that is silent ever more seldom. While a change feed delivers, all
 * streams are fetched once a second.
 *
 * <p>Positions are dense, so nothing is missed: a batch that does not follow on what is known is fetched again. If it does not
 * follow for a second, or if the stream becomes shorter, the readers of the stream are cut.
 *
 * <p>Thread-safe. Only the loops call the source and block.
 */
public final class TailPoller {

    private final Ticker ticker;
    private final Executor hintExecutor;
    private final WindowMemory memory;
    private final FeedHealth feed;
    private final List<TailLoop> loops = new ArrayList<>();

    /** Returns a poller that begins with the first watch. */
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
            return own;
        }
        // Hints may block. The loops and the writer, which share the executor, keep two threads.
        ScheduledExecutorService shared = settings.executor();
        int threads = shared instanceof ThreadPoolExecutor pool ? pool.getCorePoolSize() : 0;
        return new HintLanes(shared, Math.max(1, threads - 2));
    }

    /** Registers a hint that runs when a stream may have more. */
    public TailWindow.Watch watch(String streamId, Runnable hint) {
        TailLoop loop = loopOf(streamId);
        TailWindow.Watch[] watch = new TailWindow.Watch[1];
        loop.windows.compute(streamId, (id, known) -> {
            TailWindow window = known == null ? new TailWindow(id, memory, ticker.read()) : known;
            watch[0] = window.watch(new Hint(hint, hintExecutor), () -> dropIfUnwatched(loop, id));
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

    /** Returns whether a stream has readers here. */
    public boolean isWatched(String streamId) {
        return window(streamId) != null;
    }

    private @Nullable TailWindow window(String streamId) {
        return loopOf(streamId).windows.get(streamId);
    }

    /** Returns what is known after a position to a reader; null if the reader has to read the database. */
    public EventStream.@Nullable Batch read(TailWindow.Watch watch, long after, int limit) {
        // A loop stops when the executor fails, and a stream that is followed but not polled stands still.
        loopOf(watch.window().id()).begin();
        return watch.read(after, limit);
    }

    /** Follows a stream from a position, because a reader has read all that is before it. */
    public void follow(TailWindow.Watch watch, long position) {
        if (watch.window().follow(position)) {
            loopOf(watch.window().id()).soon();
        }
    }

    /** Takes a batch that this process has written, so that its readers need not wait for the next poll. */
    public void offer(EventBatch batch) {
        TailWindow window = window(batch.stream());
        if (window != null && window.offer(batch) == TailWindow.Offer.TAKEN) {
            window.poll.moved(ticker.read());
        }
    }

    /** Notes that the change feed has opened, after which it names or delivers each batch. */
    public void feedOpened() {
        feed.opened();
        loops.forEach(TailLoop::askAllAtOnce);
    }

    /** Notes that the change feed has answered, with a batch or without. */
    public void feedAnswered() {
        feed.answered();
    }

    /** Notes that the change feed has delivered a batch of a stream without readers here. */
    public void feedDelivered() {
        feed.delivered();
    }

    /** Notes that the change feed has closed. */
    public void feedClosed() {
        feed.closed();
        loops.forEach(TailLoop::askAllAtOnce);
    }

    /** Takes a batch of the change feed. If entries before it are missing, the stream is fetched at once. */
    public void deliver(EventBatch batch) {
        feed.delivered();
        TailWindow window = window(batch.stream());
        if (window == null) {
            return;
        }
        window.poll.moved(ticker.read());
        if (window.offer(batch) == TailWindow.Offer.GAP) {
            loopOf(batch.stream()).name(window);
        }
    }

    /** Fetches a stream at once, because the change feed says that it has more. */
    public void name(String streamId) {
        feed.delivered();
        TailWindow window = window(streamId);
        if (window != null) {
            window.poll.moved(ticker.read());
            loopOf(streamId).name(window);
        }
    }

    /** Returns how many bytes the windows have. */
    long windowBytes() {
        return memory.used();
    }
}
