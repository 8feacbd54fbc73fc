// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.FrameWriter;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Drives one feed: produces the next part when the client has requested one and the stream may have one. One thread at a time runs it, and
 * no thread waits for the client.
 */
final class Pump {

    private static final long CHECK_MILLIS = 5000;

    private final Feed feed;
    private final AtomicInteger wakeUps = new AtomicInteger();
    private volatile @Nullable Runnable work;
    private volatile long position = -1;

    Pump(Feed feed) {
        this.feed = feed;
    }

    /** Returns the parts of a response. Ends with an error if the response must not look complete. */
    Flux<DataBuffer> parts(EventFeed events, DataBufferFactory buffers, Scheduler blocking) {
        return Flux.create(
                sink -> begin(sink, blocking, () -> writeParts(events, buffers, sink)),
                FluxSink.OverflowStrategy.ERROR);
    }

    private void begin(FluxSink<DataBuffer> sink, Scheduler blocking, Runnable step) {
        Scheduler.Worker worker = blocking.createWorker();
        sink.onDispose(worker);
        work = () -> worker.schedule(() -> takeTurns(step));
        sink.onRequest(n -> wake());
        wake();
    }

    /** Schedules the production of the next part in another thread, unless the response has ended. Never blocks. */
    void wake() {
        Runnable next = work;
        if (next != null && wakeUps.getAndIncrement() == 0) {
            try {
                next.run();
            } catch (RejectedExecutionException e) {
                // The response has ended, or the scheduler is full and the next look wakes this again.
                wakeUps.set(0);
            }
        }
    }

    private void takeTurns(Runnable step) {
        int seen = wakeUps.get();
        do {
            try {
                step.run();
            } catch (RuntimeException | Error e) {
                // Otherwise no later call of wake would schedule anything.
                wakeUps.set(0);
                throw e;
            }
            seen = wakeUps.addAndGet(-seen);
        } while (seen != 0);
    }

    private void writeParts(EventFeed events, DataBufferFactory buffers, FluxSink<DataBuffer> sink) {
        boolean more = true;
        while (more && sink.requestedFromDownstream() > 0 && !sink.isCancelled()) {
            ByteArrayOutputStream part = new ByteArrayOutputStream();
            Feed.Produced produced;
            try {
                produced = events.produce(part);
            } catch (IOException e) {
                throw new IllegalStateException("a buffer in memory does not fail", e);
            }
            position = events.position();
            if (part.size() > 0) {
                sink.next(buffers.wrap(part.toByteArray()));
            }
            switch (produced) {
                case LAST -> sink.complete();
                case TRUNCATED -> sink.error(new IOException("the stream was aborted before its end"));
                default -> {}
            }
            more = produced == Feed.Produced.PART;
        }
        FrameWriter heartbeat = events.heartbeat();
        // A heartbeat may not stand within a frame, of which a part may have been the beginning.
        if (heartbeat != null && !more && sink.requestedFromDownstream() > 0 && !sink.isCancelled()) {
            sink.next(buffers.wrap(heartbeat.toString().getBytes(StandardCharsets.UTF_8)));
            events.heartbeatSent();
        }
    }

    /** Returns the answer of a feed of one document. */
    Mono<Reply> reply(DocumentFeed document, Scheduler blocking) {
        return Mono.create(sink -> {
            Scheduler.Worker worker = blocking.createWorker();
            sink.onDispose(worker);
            work = () -> worker.schedule(() -> takeTurns(() -> {
                Optional<Reply> reply = document.reply();
                reply.ifPresent(sink::success);
            }));
            wake();
        });
    }

    /** Checks whether the stream has more entries and is still kept. May block. */
    void look(Object run, long now) {
        feed.checkKept(position, run, now, CHECK_MILLIS);
        Problem gone = feed.gone();
        if (gone != null) {
            feed.interrupt(gone);
        }
        wake();
    }

    /** Makes the next part the last one. */
    void interrupt() {
        feed.interrupt(Feed.INTERRUPTED);
        wake();
    }
}
