// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import dev.handoff.token.Grant;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Creates the feeds of one server, and holds what the readers of a stream share: encoded frames and answers of the store.
 *
 * <p>Thread-safe.
 */
public final class Feeds {

    private final Ticker ticker;
    private final long began;
    private final Duration heartbeat;
    private final @Nullable Duration retry;
    private final HandoffObserver observer;
    private final ReaderObservers readerObservers;
    private final Deliveries deliveries = new Deliveries();
    private final StreamReaders.All readers = new StreamReaders.All();
    private final SharedFrames.All frames = new SharedFrames.All();

    /**
     * Creates the feeds of a server.
     *
     * @param heartbeat the time without a write after which a heartbeat is sent
     * @param retry how long clients of events are asked to wait before they reconnect; null to let them decide
     * @param observer receives the readers that connect and leave, and counts of what they are sent
     * @param readerObservers return the observers of a reader that was connected
     */
    public Feeds(
            Ticker ticker,
            Duration heartbeat,
            @Nullable Duration retry,
            HandoffObserver observer,
            List<Function<Grant, ReaderObserver>> readerObservers) {
        this.ticker = ticker;
        this.began = ticker.read();
        this.heartbeat = heartbeat;
        this.retry = retry;
        this.observer = GuardedObserver.of(observer);
        this.readerObservers = new ReaderObservers(readerObservers);
    }

    /**
     * Returns a feed of events; empty if the stream has ended and the client has received all of it. Blocks until the dispatcher and the
     * store answer.
     *
     * @param lastEventId what the client sent as {@code Last-Event-ID}; null if it sent none
     * @throws ProblemException with status 400 if this is not the id of an event that the stream has had, 403 if reading is not granted,
     *     or 410 if the stream is no longer kept
     */
    public Optional<EventFeed> events(
            AuthorizedStream access, StreamFormat.EventFormat format, @Nullable String lastEventId) {
        EventStream stream = access.stream();
        EventId last = lastEventId == null ? null : access.resumeAfter(lastEventId);
        if (last != null && last.part() > 0) {
            LastEventId.requirePart(stream, format, last);
        }
        boolean nothingLeft =
                last != null && last.part() == 0 && stream.end().isPresent() && last.position() == stream.last();
        return nothingLeft ? Optional.empty() : Optional.of(new EventFeed(this, access, format, last));
    }

    /**
     * Returns a feed of one document. Never blocks.
     *
     * @param waitFor how long the client is willing to wait (RFC 7240); null if it does not say
     * @param location the address at which the client can send its request again after its wait
     * @param keepAlive after which time without a byte the client gets a space; null if it gets none
     */
    public DocumentFeed document(
            AuthorizedStream access,
            StreamFormat.DocumentFormat format,
            @Nullable Duration waitFor,
            String location,
            @Nullable Duration keepAlive) {
        return new DocumentFeed(this, access, format, waitFor, location, keepAlive);
    }

    /**
     * Returns the document of a stream that has ended; empty if it has not ended. Blocks until the store and the format return.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the stream is no longer kept
     */
    public static Optional<Reply> ended(AuthorizedStream access, StreamFormat.DocumentFormat format) {
        Optional<End> end = access.stream().end();
        return end.map(e -> Rendering.document(format, e).with("Cache-Control", "no-store"));
    }

    /**
     * Returns the status of a task as JSON, with the number of its events and the number of its readers on this server. Blocks until the
     * dispatcher and the store answer.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the stream is no longer kept
     */
    public String status(AuthorizedStream access) {
        TaskStatus status = access.status();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("task", status.taskId());
        json.put("state", status.state().name().toLowerCase(Locale.ROOT));
        json.put("queue_position", status.queuePosition());
        json.put("events", access.stream().eventCount());
        json.put("readers", readers.count(status.taskId()));
        json.put("created", status.created().toString());
        json.put("started", status.started() == null ? null : status.started().toString());
        json.put("ended", status.ended() == null ? null : status.ended().toString());
        return json.toString();
    }

    /** Returns the streams that have readers on this server. */
    public List<String> streamIds() {
        return readers.streamIds();
    }

    /** Returns whether no stream has readers on this server. */
    public boolean isEmpty() {
        return readers.isEmpty();
    }

    /** Reports to the observer what readers were sent since the last report. */
    public void reportDeliveries() {
        deliveries.report(observer);
    }

    /** Reports a reader that was connected. Returns null if there is no observer. */
    @Nullable
    ObservedReader observe(AuthorizedStream access) {
        ReaderObserver reader = readerObservers.of(access.grant());
        return observer == HandoffObserver.NONE && reader == ReaderObserver.NONE
                ? null
                : new ObservedReader(
                        observer, reader, deliveries, access.grant().format(), ticker);
    }

    /** Counts a heartbeat, and returns the time. */
    long heartbeatSent() {
        deliveries.addHeartbeat();
        return now();
    }

    void observeRefusal(Problem problem) {
        observer.refused(problem.status(), problem.code());
    }

    StreamReaders.All readers() {
        return readers;
    }

    SharedFrames.All frames() {
        return frames;
    }

    /** Returns the milliseconds since this object was created, by its ticker. */
    public long now() {
        return TimeUnit.NANOSECONDS.toMillis(ticker.read() - began);
    }

    Duration heartbeat() {
        return heartbeat;
    }

    @Nullable
    Duration retry() {
        return retry;
    }
}
