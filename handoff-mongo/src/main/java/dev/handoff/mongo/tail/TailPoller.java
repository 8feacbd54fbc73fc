package dev.handoff.mongo.tail;

import static java.util.Comparator.comparingLong;
import static java.util.stream.Collectors.toMap;

import dev.handoff.EventStream;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TailFetch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows all streams that have readers in this process with one polling loop, however many readers there are. A stream in
 * which something moves is asked for often, one that is silent ever more seldom. Positions are dense, so nothing can be
 * missed: what does not follow on what is known is fetched again.
 */
public final class TailPoller {

    private static final Logger logger = LoggerFactory.getLogger(TailPoller.class);
    private static final int STREAMS_PER_QUERY = 200;
    private static final int BYTES_PER_QUERY = 4 << 20;
    private static final int MOST_QUERIES_PER_LOOK = 20;
    private static final long SILENCE_MILLIS = 5000;

    private final TailSource source;
    private final ScheduledExecutorService executor;
    private final Executor hintExecutor;
    private final long shortestMillis;
    private final long longestMillis;
    private final ConcurrentMap<String, TailWindow> streams = new ConcurrentHashMap<>();
    private final PollingLoop polling;
    private final AtomicBoolean woken = new AtomicBoolean();
    private final ReentrantLock fetching = new ReentrantLock();

    /** Returns a poller that begins with the first watch. */
    public TailPoller(
            TailSource source,
            ScheduledExecutorService executor,
            Executor hintExecutor,
            Duration shortest,
            Duration longest) {
        this.source = source;
        this.executor = executor;
        this.hintExecutor = hintExecutor;
        this.shortestMillis = shortest.toMillis();
        this.longestMillis = longest.toMillis();
        this.polling = new PollingLoop(executor, shortest, streams::isEmpty, this::fetchDue);
    }

    /** Registers a hint that runs when a stream may have more. */
    public EventStream.Watch watch(String streamId, Runnable hint) {
        TailWindow.Watch[] watch = new TailWindow.Watch[1];
        streams.compute(streamId, (id, known) -> {
            TailWindow stream = known == null ? fresh(id) : known;
            watch[0] = stream.watch(new Hint(hint, hintExecutor), () -> dropIfUnwatched(id));
            return stream;
        });
        polling.begin();
        return watch[0];
    }

    private TailWindow fresh(String streamId) {
        TailWindow stream = new TailWindow(streamId);
        stream.interval = shortestMillis;
        stream.quietSince = now();
        return stream;
    }

    private void dropIfUnwatched(String streamId) {
        streams.computeIfPresent(streamId, (id, stream) -> stream.isWatched() ? stream : null);
    }

    /** Returns what this process knows of a stream that is watched here; null if it is not watched. */
    public @Nullable TailWindow get(String streamId) {
        TailWindow stream = streams.get(streamId);
        if (stream != null) {
            // The loop stops when the executor fails, and a stream that is followed but not polled stands still.
            polling.begin();
        }
        return stream;
    }

    /** Takes what was written by this process, so that its readers need not wait for the next poll. */
    public void offer(EventBatch batch) {
        TailWindow stream = streams.get(batch.stream());
        if (stream != null) {
            stream.offer(batch);
        }
    }

    /** Looks at once at a stream of which somebody says that something was written to it. */
    public void wake(String streamId) {
        TailWindow stream = streams.get(streamId);
        if (stream != null) {
            stream.dueAt = 0;
            stream.quietSince = now();
            if (woken.compareAndSet(false, true)) {
                try {
                    executor.execute(this::fetchWoken);
                } catch (RuntimeException | Error e) {
                    woken.set(false);
                    logger.debug("the executor does not look at a stream now, the poll does later", e);
                }
            }
        }
    }

    private void fetchWoken() {
        woken.set(false);
        try {
            fetchDue();
        } catch (RuntimeException | Error e) {
            logger.debug("a stream could not be looked at, the poll does it later", e);
        }
    }

    private void fetchDue() {
        fetching.lock();
        try {
            long now = now();
            List<Due> due = new ArrayList<>();
            for (TailWindow stream : streams.values()) {
                long wanted = stream.wanted();
                if (stream.dueAt <= now && wanted >= 0) {
                    due.add(new Due(stream, wanted));
                }
            }
            due.sort(comparingLong(Due::wanted));
            for (int i = 0; i < due.size(); i += STREAMS_PER_QUERY) {
                fetch(due.subList(i, Math.min(i + STREAMS_PER_QUERY, due.size())));
            }
        } finally {
            fetching.unlock();
        }
    }

    private void fetch(List<Due> due) {
        List<Due> open = due;
        // What is cut short is asked for again, or those that move fast would be all that the last streams of a query
        // ever see.
        for (int i = 0; i < MOST_QUERIES_PER_LOOK && !open.isEmpty(); i++) {
            open = fetchWhatFits(open);
        }
    }

    /**
     * Asks once. Streams that have come as far as each other share a clause, and so a query has as few as can be. Returns the
     * streams of which the answer may not have had all, where they are now.
     */
    private List<Due> fetchWhatFits(List<Due> due) {
        Map<String, Long> from = due.stream().collect(toMap(d -> d.stream().id, Due::wanted));
        TailFetch fetched = source.fetch(from, BYTES_PER_QUERY);
        Set<String> moved = new HashSet<>(fetched.unreadable());
        for (EventBatch batch : fetched.batches()) {
            moved.add(batch.stream());
            offer(batch);
        }
        fetched.unreadable().forEach(this::forget);
        long now = now();
        for (Due each : due) {
            TailWindow stream = each.stream();
            if (moved.contains(stream.id)) {
                stream.quietSince = now;
            }
            boolean silent = now - stream.quietSince > SILENCE_MILLIS;
            stream.interval = silent ? Math.min(stream.interval * 3 / 2 + 1, longestMillis) : shortestMillis;
            stream.dueAt = now + (silent ? stream.interval : 0);
        }
        if (!fetched.cut() || fetched.batches().isEmpty()) {
            return List.of();
        }
        String last = fetched.batches().get(fetched.batches().size() - 1).stream();
        return due.stream()
                .filter(d -> d.stream().id.compareTo(last) >= 0)
                .map(d -> new Due(d.stream(), d.stream().wanted()))
                .filter(d -> d.wanted() >= 0)
                .toList();
    }

    private void forget(String streamId) {
        logger.warn("stream {} has a document that is no batch of events", streamId);
        // Its readers are told when they ask the store; those of other streams must not suffer for it.
        TailWindow stream = streams.get(streamId);
        if (stream != null) {
            stream.forget();
        }
    }

    private record Due(TailWindow stream, long wanted) {}

    private static long now() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
