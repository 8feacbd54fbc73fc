// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.ReaderObserver;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.RecordingObserver;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Tests which deliveries an endpoint reports: those of all readers to the observer, and those of one reader to its own observer. */
class DeliveryObserverTest {

    private static final FakeRequest GET = new FakeRequest("GET", "/events/token", Map.of(), null, "");

    private final TickingClock clock = new TickingClock();
    private final RecordingObserver observer = new RecordingObserver();
    private final List<String> readers = new ArrayList<>();
    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, new StepExecutor())
            .handler("work", (task, output) -> {})
            .build();
    private final Task task = Task.of("work", "");
    private final EventAppender writer = store.appender(task.id(), 1);

    DeliveryObserverTest() {
        dispatcher.dispatch(task);
    }

    private StreamEndpoint endpoint(HandoffObserver observer, Function<Grant, ReaderObserver> readerObserver) {
        Handoff handoff =
                Handoff.builder(dispatcher, store, sealer).observer(observer).build();
        return StreamEndpoint.builder(handoff)
                .ticker(clock)
                .readerObserver(readerObserver)
                .build();
    }

    private ReaderObserver observe(Grant grant) {
        String tenant = grant.claims().get("tenant");
        readers.add("opened by " + tenant);
        return new ReaderObserver() {
            @Override
            public void firstBytes() {
                readers.add("first bytes for " + tenant);
            }

            @Override
            public void closed(ReaderEnd end) {
                readers.add("closed for " + tenant + ": " + end);
            }
        };
    }

    private StreamEndpoint.Answer answer(StreamEndpoint endpoint, String format, String tenant) {
        Grant grant = new Grant(
                task.id(), Set.of(Grant.Right.READ), format, null, Instant.now().plusSeconds(60));
        return endpoint.answer(GET, '/' + sealer.seal(grant.withClaims(Map.of("tenant", tenant))));
    }

    private EventFeed opened(StreamEndpoint endpoint, String tenant) {
        EventFeed feed = ((StreamEndpoint.Events) answer(endpoint, "standard", tenant)).feed();
        feed.open(() -> {});
        return feed;
    }

    @Test
    @DisplayName(
            "the endpoint reports all deliveries together when the adapter asks for it, and reports nothing if there were none")
    void deliveries() throws IOException {
        StreamEndpoint endpoint = endpoint(observer, grant -> ReaderObserver.NONE);
        List<EventFeed> feeds = List.of(opened(endpoint, "a"), opened(endpoint, "b"));
        endpoint.reportReaders();
        observer.take();

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.append(null, "one");
        writer.append(null, "two");
        for (EventFeed feed : feeds) {
            feed.produce(out);
        }
        clock.tick(Duration.ofSeconds(15));
        feeds.get(0).heartbeat();
        feeds.get(0).heartbeatSent();
        assertThat(observer.take()).noneMatch(line -> line.startsWith("delivered"));
        endpoint.reportReaders();
        assertThat(observer.take()).containsExactly("delivered 4 entries, " + out.size() + " bytes, 1 heartbeats");

        out.reset();
        writer.end(End.completed(null));
        assertThat(feeds.get(0).produce(out)).isEqualTo(Produced.LAST);
        endpoint.reportReaders();
        endpoint.reportReaders();
        assertThat(observer.take()).containsExactly("delivered 1 entries, " + out.size() + " bytes, 0 heartbeats");
    }

    @Test
    @DisplayName("an entry is delivered when its last bytes are written, and those of an interruption are no entry")
    void largeEntries() throws IOException {
        StreamEndpoint endpoint = endpoint(observer, grant -> ReaderObserver.NONE);
        writer.append(null, "x".repeat(3 * EventFeed.SLICE_BYTES));
        EventFeed feed = opened(endpoint, "a");
        observer.take();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.PART);
        endpoint.reportReaders();
        assertThat(observer.take()).contains("delivered 0 entries, " + EventFeed.SLICE_BYTES + " bytes, 0 heartbeats");
        while (feed.produce(out) == Produced.PART) {
            // The rest of the event.
        }
        endpoint.reportReaders();
        assertThat(observer.take())
                .containsExactly(
                        "delivered 1 entries, " + (out.size() - EventFeed.SLICE_BYTES) + " bytes, 0 heartbeats");
        feed.interrupt(Feed.INTERRUPTED);
        assertThat(feed.produce(out)).isEqualTo(Produced.TRUNCATED);
        endpoint.reportReaders();
        assertThat(observer.take()).allMatch(line -> line.startsWith("delivered 0 entries, "));
    }

    @Test
    @DisplayName("a document is one entry")
    void document() {
        StreamEndpoint endpoint = endpoint(observer, grant -> ReaderObserver.NONE);
        DocumentFeed feed = ((StreamEndpoint.Document) answer(endpoint, "result", "a")).feed();
        feed.open(() -> {});
        writer.end(End.completed("{}"));
        assertThat(feed.reply()).isPresent();
        observer.take();
        endpoint.reportReaders();
        assertThat(observer.take()).containsExactly("delivered 1 entries, 2 bytes, 0 heartbeats");
    }

    @Test
    @DisplayName(
            "the endpoint makes the observer of a reader from its claims, and reports its first bytes and its end once each")
    void reader() throws IOException {
        StreamEndpoint endpoint = endpoint(HandoffObserver.NONE, this::observe);
        EventFeed feed = opened(endpoint, "a");
        EventFeed other = opened(endpoint, "b");
        feed.produce(new ByteArrayOutputStream());
        assertThat(readers).containsExactly("opened by a", "opened by b");
        writer.append(null, "one");
        feed.produce(new ByteArrayOutputStream());
        writer.end(End.completed(null));
        feed.produce(new ByteArrayOutputStream());
        feed.close();
        feed.close();
        other.close();
        assertThat(readers.subList(2, readers.size()))
                .containsExactly("first bytes for a", "closed for a: COMPLETED", "closed for b: CLIENT_GONE");
    }

    @Test
    @DisplayName("each function that was added observes the readers, also if another one throws or observes nothing")
    void severalReaderObservers() throws IOException {
        Handoff handoff = Handoff.builder(dispatcher, store, sealer).build();
        StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
                .readerObserver(this::observe)
                .readerObserver(grant -> {
                    throw new IllegalStateException("a test of a function that fails");
                })
                .readerObserver(grant -> ReaderObserver.NONE)
                .readerObserver(this::observe)
                .build();
        EventFeed feed = opened(endpoint, "a");
        writer.append(null, "one");
        feed.produce(new ByteArrayOutputStream());
        feed.close();
        assertThat(readers)
                .containsExactly(
                        "opened by a",
                        "opened by a",
                        "first bytes for a",
                        "first bytes for a",
                        "closed for a: CLIENT_GONE",
                        "closed for a: CLIENT_GONE");
    }

    @Test
    @DisplayName("R16 a function or an observer of a reader that throws harms no reader, and is logged once")
    void readerObserverThrows() throws IOException {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger("dev.handoff.delivery.ReaderObservers");
        log.start();
        logger.addAppender(log);
        try {
            StreamEndpoint first = endpoint(HandoffObserver.NONE, grant -> {
                throw new IllegalStateException("a test of a function that fails");
            });
            StreamEndpoint second = endpoint(HandoffObserver.NONE, grant -> new ReaderObserver() {
                @Override
                public void firstBytes() {
                    throw new IllegalStateException("a test of an observer that fails");
                }

                @Override
                public void closed(ReaderEnd end) {
                    throw new IllegalStateException("a test of an observer that fails");
                }
            });
            List<EventFeed> feeds = List.of(opened(first, "a"), opened(first, "b"), opened(second, "c"));
            writer.end(End.completed(null));
            for (EventFeed feed : feeds) {
                assertThat(feed.produce(new ByteArrayOutputStream())).isEqualTo(Produced.LAST);
                feed.close();
            }
            // Once for each of the two endpoints.
            assertThat(log.list.stream().filter(event -> event.getLevel() == Level.WARN))
                    .hasSize(2);
        } finally {
            logger.detachAppender(log);
        }
    }
}
