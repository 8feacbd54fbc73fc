// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import static java.util.Comparator.comparingLong;
import static java.util.stream.Collectors.toMap;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fetches the streams that a {@link TailPoller} has assigned to this loop. */
final class TailLoop {

    private static final Logger logger = LoggerFactory.getLogger(TailLoop.class);

    private static final int STREAMS_PER_QUERY = 200;
    private static final long BYTES_PER_QUERY = 1 << 20;
    private static final long BYTES_IN_FLIGHT = 4 << 20;
    private static final int QUERIES_PER_LOOK = 20;
    private static final int GAPS_PER_LOOK = 10;

    private static final long SILENCE = TimeUnit.SECONDS.toNanos(5);
    /** How much earlier than due the loop may fetch a stream, so that one query fetches several streams. */
    private static final long EARLY_WITH_FEED = PollState.PAUSE_WITH_FEED / 2;

    private static final long LONGEST_GAP = TimeUnit.SECONDS.toNanos(1);
    /** A fetch that takes longer than this, or is late by more than this, does not prove that an entry was missing meanwhile. */
    private static final long LATE = TimeUnit.SECONDS.toNanos(2);

    private static final long CHECK_SILENT = TimeUnit.SECONDS.toNanos(5);
    private static final long CHECK_SUSPECT = TimeUnit.SECONDS.toNanos(1);
    /** The shortest time between two checks of a length by one loop. */
    private static final long CHECK_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);

    final ConcurrentMap<String, TailWindow> windows = new ConcurrentHashMap<>();

    private final TailSource source;
    private final Ticker ticker;
    private final FeedHealth feed;
    private final HandoffObserver observer;
    private final long shortest;
    private final long longest;
    private final long bytesPerQuery;
    private final PollingLoop polling;

    private volatile boolean askAll;
    private volatile long lookedAt;

    // Used only by the loop.
    private long nextCheckAt;
    private long deliveredBefore;
    /** The time since which no fetch of this loop has failed or was late. */
    private long readingSince;
    /** When the last run of the loop ended. */
    private long restingSince;

    private record Due(TailWindow window, long wanted) {
        String id() {
            return window.id();
        }
    }

    TailLoop(TailSource source, TailSettings settings, FeedHealth feed) {
        this.source = source;
        this.ticker = settings.ticker();
        this.feed = feed;
        this.observer = settings.observer();
        this.shortest = settings.poll().shortest().toNanos();
        this.longest = settings.poll().longest().toNanos();
        this.bytesPerQuery = Math.min(BYTES_PER_QUERY, BYTES_IN_FLIGHT / settings.loops());
        this.polling = new PollingLoop(settings.executor(), ticker, this::look);
        this.lookedAt = ticker.read();
        this.nextCheckAt = lookedAt;
        this.readingSince = lookedAt;
        this.restingSince = lookedAt;
    }

    void begin() {
        polling.begin();
    }

    /** Schedules the next run after the shortest pause at the latest. */
    void soon() {
        polling.wake(shortest);
    }

    /** Schedules a fetch of a stream as early as the shortest pause allows, unless the stream has a known gap. */
    void name(TailWindow window) {
        window.poll.name();
        polling.wake(Math.max(0, shortest - (ticker.read() - lookedAt)));
    }

    void askAllAtOnce() {
        askAll = true;
        if (!windows.isEmpty()) {
            polling.wake(0);
        }
    }

    /** Fetches the streams that are due. Returns the pause until the next one is due, in nanoseconds. */
    private long look() {
        if (windows.isEmpty()) {
            return PollingLoop.STOP;
        }
        long now = ticker.read();
        lookedAt = now;
        if (now - restingSince > Math.max(longest, PollState.PAUSE_WITH_FEED) + LATE) {
            readingSince = now;
        }
        boolean all = askAll;
        askAll = false;
        boolean fed = feed.isHealthy();
        long early = fed ? EARLY_WITH_FEED : 0;
        List<Due> due = new ArrayList<>();
        List<Due> gaps = new ArrayList<>();
        for (TailWindow window : windows.values()) {
            PollState poll = window.poll;
            if (!all && !poll.isNamed() && now - poll.dueAt(fed) < -early) {
                continue;
            }
            long wanted = window.wanted();
            if (wanted < 0) {
                continue;
            }
            if (!poll.hasGapAt(wanted)) {
                due.add(new Due(window, wanted));
            } else if (now - poll.askedAt() >= poll.pause() && gaps.size() < GAPS_PER_LOOK) {
                gaps.add(new Due(window, wanted));
            }
        }
        // The streams that were fetched longest ago come first. Streams that were fetched at the same time are ordered
        // by position, because streams at the same position share a clause of the query.
        due.sort(comparingLong((Due d) -> d.window().poll.askedAt() - now).thenComparingLong(Due::wanted));
        for (int i = 0; i < due.size(); i += STREAMS_PER_QUERY) {
            fetch(due.subList(i, Math.min(i + STREAMS_PER_QUERY, due.size())), now, fed);
        }
        gaps.forEach(gap -> probe(gap, now));
        checkOne(now);
        deliveredBefore = feed.count();
        restingSince = ticker.read();
        return pause(feed.isHealthy());
    }

    private long pause(boolean fed) {
        if (windows.isEmpty()) {
            return PollingLoop.STOP;
        }
        long now = ticker.read();
        long pause = fed ? PollState.PAUSE_WITH_FEED : longest;
        for (TailWindow window : windows.values()) {
            if (pause <= shortest) {
                return shortest;
            }
            if (window.wanted() >= 0) {
                pause = Math.min(pause, window.poll.dueAt(fed) - now);
            }
        }
        return Math.max(pause, shortest);
    }

    private void fetch(List<Due> due, long now, boolean fed) {
        due.forEach(d -> d.window().poll.beginFetch(now));
        List<Due> open = due;
        // If the limit of bytes cuts streams off an answer, the next query fetches only these, so that none starves.
        for (int i = 0; i < QUERIES_PER_LOOK && !open.isEmpty(); i++) {
            open = fetchOnce(open, fed);
        }
        for (Due each : due) {
            PollState poll = each.window().poll;
            if (poll.hasGapAt(each.window().next())) {
                continue;
            }
            if (poll.isSilent(now, SILENCE)) {
                poll.growPause(shortest, longest);
            } else {
                poll.resetPause();
            }
        }
    }

    /** Runs one query. Returns the streams for which the answer may be incomplete. */
    private List<Due> fetchOnce(List<Due> due, boolean fed) {
        Map<String, Long> from = due.stream().collect(toMap(Due::id, Due::wanted));
        TailFetch fetched = ask(from, bytesPerQuery);
        long now = ticker.read();
        Set<String> gapped = new HashSet<>();
        boolean found = false;
        for (int i = 0; i < fetched.batches().size(); i++) {
            EventBatch batch = fetched.batches().get(i);
            TailWindow window = windows.get(batch.stream());
            if (window == null || gapped.contains(batch.stream())) {
                continue;
            }
            switch (window.offer(batch)) {
                case TAKEN -> {
                    found = true;
                    window.poll.moved(now);
                    window.poll.closeGap();
                    tellLag(fetched, i);
                }
                case GAP -> {
                    gapped.add(batch.stream());
                    window.poll.noteGap(window.next(), now);
                }
                case CONFLICT -> {
                    gapped.add(batch.stream());
                    logger.warn("stream {} has other entries than before, so reads of it may fail", batch.stream());
                    window.cutBeyond(batch.seq());
                }
                case IGNORED -> {}
            }
        }
        if (found && fed && feed.count() == deliveredBefore) {
            logger.debug("a poll found a batch that the change feed had not delivered");
            feed.missed();
        }
        fetched.unreadable().forEach(id -> forget(id, now));
        if (!fetched.cut() || fetched.batches().isEmpty()) {
            return List.of();
        }
        String last = fetched.batches().get(fetched.batches().size() - 1).stream();
        return due.stream()
                .filter(d -> d.id().compareTo(last) >= 0 && !gapped.contains(d.id()))
                .map(d -> new Due(d.window(), d.window().wanted()))
                .filter(d -> d.wanted() >= 0)
                .toList();
    }

    private TailFetch ask(Map<String, Long> from, long maxBytes) {
        long begin = ticker.read();
        TailFetch fetched;
        try {
            fetched = source.fetch(from, maxBytes);
        } catch (RuntimeException | Error e) {
            readingSince = ticker.read();
            throw e;
        }
        long bytes = fetched.batches().stream().mapToLong(EventBatch::bytes).sum();
        long end = ticker.read();
        readingSince = end - begin > LATE ? end : readingSince;
        observer.fetched(from.size(), fetched.batches().size(), bytes, Duration.ofNanos(end - begin));
        return fetched;
    }

    private void tellLag(TailFetch fetched, int index) {
        if (index < fetched.ages().size()) {
            observer.tailLag(fetched.ages().get(index));
        }
    }

    /** Fetches one batch of a stream with a gap. Makes reads fail if the entry is missing for longer than a second. */
    private void probe(Due gap, long now) {
        TailWindow window = gap.window();
        PollState poll = window.poll;
        poll.beginFetch(now);
        TailFetch fetched = ask(Map.of(gap.id(), gap.wanted()), 1);
        if (!fetched.unreadable().isEmpty()) {
            poll.closeGap();
            forget(gap.id(), now);
            return;
        }
        EventBatch first =
                fetched.batches().isEmpty() ? null : fetched.batches().get(0);
        if (first == null || window.offer(first) != TailWindow.Offer.GAP) {
            poll.closeGap();
            poll.resetPause();
            poll.moved(ticker.read());
        } else if (Math.min(poll.noteGap(gap.wanted(), now), now - readingSince) > LONGEST_GAP) {
            logger.warn("stream {} has lost the entry at position {}, so reads of it fail", gap.id(), gap.wanted());
            poll.closeGap();
            window.cutAt(gap.wanted());
        } else {
            poll.growPause(shortest, LONGEST_GAP);
        }
    }

    private void forget(String streamId, long now) {
        TailWindow window = windows.get(streamId);
        if (window != null) {
            logger.warn("the tail of stream {} cannot be read, so its readers read the database", streamId);
            window.poll.moved(now);
            window.forget();
        }
    }

    /** Checks whether a stream is shorter than what its readers have read. Checks at most one stream per call, the most urgent one. */
    private void checkOne(long now) {
        if (now - nextCheckAt < 0) {
            return;
        }
        nextCheckAt = now + CHECK_PAUSE;
        TailWindow window = mostUrgent(now);
        if (window == null) {
            return;
        }
        long expected = Math.max(window.next(), window.shown());
        long length;
        try {
            length = source.length(window.id());
        } catch (RuntimeException e) {
            logger.debug("the length of stream {} could not be read", window.id(), e);
            length = expected;
        }
        if (window.poll.noteCheck(now, length < expected)) {
            logger.warn(
                    "stream {} has {} entries, fewer than the {} that were read before, so reads by those readers fail",
                    window.id(),
                    length,
                    expected);
            window.cutBeyond(length);
        }
    }

    private @Nullable TailWindow mostUrgent(long now) {
        TailWindow urgent = null;
        for (TailWindow window : windows.values()) {
            long since = now - window.poll.checkedAt();
            if (since < CHECK_SUSPECT || (urgent != null && since <= now - urgent.poll.checkedAt())) {
                continue;
            }
            long wanted = window.wanted();
            boolean wants = window.poll.isSuspect()
                    || window.shown() > wanted
                    || (since >= CHECK_SILENT && window.poll.isSilent(now, SILENCE));
            if (wanted >= 0 && wants) {
                urgent = window;
            }
        }
        return urgent;
    }
}
