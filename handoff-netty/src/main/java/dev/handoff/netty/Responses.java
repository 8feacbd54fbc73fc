// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.format.Framing;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Reply;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.DateFormatter;
import io.netty.util.AsciiString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Holds the open responses of a server and runs their periodic work. About once a second it reads streams again in case a hint was lost, checks
 * idle streams, and reports which streams have readers. {@link Ticks} checks deadlines and sends heartbeats.
 *
 * <p>Thread-safe.
 */
final class Responses {

    private static final long MAX_TICK_MILLIS = 1000;
    /** How long a stream may be without an event before it is checked. */
    private static final long IDLE_MILLIS = 5000;
    /** How many threads may read streams again at the same time, in case the store blocks some of them. */
    private static final int MAX_LOOKS = 8;
    /** How many threads may check idle streams at the same time. The limit is lower because a check costs the store more than a read. */
    private static final int MAX_CHECKS = 2;
    /** How many threads may report readers at the same time, in case cancel actions block some of them. */
    private static final int MAX_REPORTS = 4;

    /** The value of the header field {@code Date} in one second. */
    private record Second(long second, AsciiString date) {}

    private final StreamEndpoint endpoint;
    private final Executor executor;
    private final String prefix;
    private final Map<String, Function<HandoffRequest, Reply>> others;
    private final long writeDeadlineMillis;
    private final long drainMillis;
    private final long requestMillis;

    private final Set<StreamResponse> open = ConcurrentHashMap.newKeySet();
    private final Job look = new Job("the re-read of streams", MAX_LOOKS, this::look);
    private final Job idleCheck = new Job("the check of idle streams", MAX_CHECKS, this::checkIdle);
    private final Job report;
    /** By the kind of framing, of which there are two. */
    private final Map<Class<? extends Framing>, Heartbeat> heartbeats = new ConcurrentHashMap<>();
    /** Completes when the drain has ended; null if the server does not drain. */
    private final AtomicReference<@Nullable CompletableFuture<Void>> drained = new AtomicReference<>();

    private volatile Map<EventLoop, Ticks> loops = Map.of();
    private volatile Second second = new Second(0, AsciiString.EMPTY_STRING);

    Responses(
            StreamEndpoint endpoint,
            Executor executor,
            String prefix,
            Map<String, Function<HandoffRequest, Reply>> others,
            Duration writeDeadline,
            Duration drainWindow,
            Duration requestTime) {
        this.endpoint = endpoint;
        this.executor = executor;
        this.prefix = prefix;
        this.others = Map.copyOf(others);
        this.writeDeadlineMillis = writeDeadline.toMillis();
        this.drainMillis = drainWindow.toMillis();
        this.requestMillis = requestTime.toMillis();
        this.report = new Job("the report of readers", MAX_REPORTS, endpoint::reportReaders);
    }

    /** Starts the periodic work on event loops. */
    @SuppressWarnings("FutureReturnValueIgnored")
    void start(Map<EventLoop, Ticks> loops) {
        this.loops = loops;
        long shortest = Math.min(endpoint.heartbeat().toMillis(), writeDeadlineMillis);
        long period = Math.max(1, Math.min(MAX_TICK_MILLIS, shortest / 2));
        loops.forEach((loop, ticks) -> loop.scheduleWithFixedDelay(ticks, period, period, TimeUnit.MILLISECONDS));
        timer().scheduleWithFixedDelay(this::tick, period, period, TimeUnit.MILLISECONDS);
    }

    private ScheduledExecutorService timer() {
        return loops.keySet().iterator().next();
    }

    private void tick() {
        long now = now();
        look.start(now, executor);
        idleCheck.start(now, executor);
        report.start(now, executor);
    }

    private void look() {
        Object run = new Object();
        for (StreamResponse response : open) {
            response.look(run);
        }
    }

    private void checkIdle() {
        Object run = new Object();
        long now = now();
        for (StreamResponse response : open) {
            response.checkKept(run, now, IDLE_MILLIS);
        }
    }

    /** Interrupts the responses one after the other, and aborts those whose clients do not read. See {@link NettyStreamingServer#drain}. */
    CompletableFuture<Void> drain() {
        CompletableFuture<Void> end = new CompletableFuture<>();
        CompletableFuture<Void> other = drained.compareAndExchange(null, end);
        if (other != null) {
            return other;
        }
        endpoint.drain();
        List<StreamResponse> all = new ArrayList<>(open);
        Collections.shuffle(all);
        for (int i = 0; i < all.size(); i++) {
            StreamResponse response = all.get(i);
            later(drainMillis * i / all.size(), () -> response.interrupt(Feed.INTERRUPTED));
        }
        later(drainMillis + MAX_TICK_MILLIS, () -> {
            // Responses that began after a reopen are not part of this drain.
            if (drained.get() == end) {
                open.forEach(StreamResponse::giveUp);
            }
        });
        later(drainMillis + 2 * MAX_TICK_MILLIS, () -> end.complete(null));
        completeIfDrained();
        return end;
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private void later(long millis, Runnable action) {
        try {
            if (loops.isEmpty()) {
                action.run();
            } else {
                timer().schedule(action, millis, TimeUnit.MILLISECONDS);
            }
        } catch (RejectedExecutionException e) {
            // The server has closed, so the action would never run.
            action.run();
        }
    }

    /** Begins new responses again after a drain. */
    void reopen() {
        drained.set(null);
        endpoint.reopen();
    }

    /** Returns the longest time that a drain takes, in milliseconds. */
    long drainLimitMillis() {
        return drainMillis + 3 * MAX_TICK_MILLIS;
    }

    int size() {
        return open.size();
    }

    /** Called when a stream is open, before its response begins. */
    void opened(StreamResponse response) {
        open.add(response);
        if (endpoint.isDraining()) {
            response.interrupt(Feed.INTERRUPTED);
        }
    }

    /** Called when nothing more is written. */
    void closed(StreamResponse response) {
        open.remove(response);
        completeIfDrained();
    }

    private void completeIfDrained() {
        CompletableFuture<Void> end = drained.get();
        if (end != null && open.isEmpty()) {
            end.complete(null);
        }
    }

    /** Returns the path of a stream below the prefix; null if the path is another one. */
    @Nullable
    String streamPath(String path) {
        if (!path.startsWith(prefix)) {
            return null;
        }
        String rest = path.substring(prefix.length());
        return rest.isEmpty() || rest.startsWith("/") ? rest : null;
    }

    /** Returns the function that answers requests for another path; null if there is none. */
    @Nullable
    Function<HandoffRequest, Reply> reply(String path) {
        return others.get(path);
    }

    Heartbeat heartbeat(EventFeed feed) {
        return heartbeats.computeIfAbsent(feed.framing().getClass(), kind -> Heartbeat.of(feed.filler()));
    }

    Ticks ticks(EventLoop loop) {
        Ticks ticks = loops.get(loop);
        if (ticks == null) {
            throw new IllegalStateException("the event loop does not belong to this server");
        }
        return ticks;
    }

    /** Returns the value of the header field {@code Date}. */
    AsciiString date() {
        long millis = System.currentTimeMillis();
        Second known = second;
        if (known.second() != millis / 1000) {
            known = new Second(millis / 1000, new AsciiString(DateFormatter.format(new Date(millis))));
            second = known;
        }
        return known.date();
    }

    StreamEndpoint endpoint() {
        return endpoint;
    }

    Executor executor() {
        return executor;
    }

    long now() {
        return endpoint.now();
    }

    long writeDeadlineMillis() {
        return writeDeadlineMillis;
    }

    long requestMillis() {
        return requestMillis;
    }
}
