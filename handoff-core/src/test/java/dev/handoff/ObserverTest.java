// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
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
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What an observer is told of requests and readers. */
class ObserverTest {

    private static final FakeRequest GET = new FakeRequest("GET", "/events/token", Map.of(), null, "");

    private final TickingClock clock = new TickingClock();
    private final RecordingObserver observer = new RecordingObserver();
    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore memory = InMemoryEventStore.create();
    private boolean storeFails;
    private final StepExecutor executor = new StepExecutor();
    private final InProcessTaskDispatcher dispatcher = dispatcher(observer);
    private final Handoff handoff = handoff(dispatcher, observer);
    private final StreamEndpoint endpoint =
            StreamEndpoint.builder(handoff).ticker(clock).build();

    private InProcessTaskDispatcher dispatcher(HandoffObserver observer) {
        return InProcessTaskDispatcher.builder(memory, executor)
                .handler("work", (task, output) -> output.emit("a"))
                .ticker(clock)
                .observer(observer)
                .build();
    }

    private Handoff handoff(InProcessTaskDispatcher dispatcher, HandoffObserver observer) {
        return Handoff.builder(dispatcher, new FailingWatches(), sealer)
                .observer(observer)
                .build();
    }

    /** The store, whose streams cannot be watched if the test says so. */
    private final class FailingWatches implements EventStore {

        @Override
        public EventStream open(String streamId) {
            EventStream stream = memory.open(streamId);
            return (EventStream) Proxy.newProxyInstance(
                    EventStream.class.getClassLoader(), new Class<?>[] {EventStream.class}, (proxy, method, args) -> {
                        if (storeFails && method.getName().equals("watch")) {
                            throw new IllegalStateException("a test of a store that fails");
                        }
                        return method.invoke(stream, args);
                    });
        }

        @Override
        public EventAppender appender(String streamId, int epoch) {
            return memory.appender(streamId, epoch);
        }
    }

    private String path(String taskId, String format) {
        Grant grant = new Grant(
                taskId, Set.of(Grant.Right.READ), format, null, Instant.now().plusSeconds(60));
        return '/' + sealer.seal(grant);
    }

    /** A task that stays queued: the test appends its events. */
    private final class Stream {

        final Task task = Task.of("work", "");
        final EventAppender writer;

        Stream() {
            dispatcher.dispatch(task);
            writer = memory.appender(task.id(), 1);
            observer.take();
        }

        EventFeed events() {
            return ((StreamEndpoint.Events) endpoint.answer(GET, path(task.id(), "standard"))).feed();
        }

        EventFeed opened() {
            EventFeed feed = events();
            feed.open(() -> {});
            return feed;
        }

        DocumentFeed document(FakeRequest request) {
            DocumentFeed feed = ((StreamEndpoint.Document) endpoint.answer(request, path(task.id(), "result"))).feed();
            feed.open(() -> {});
            return feed;
        }
    }

    private static Produced produce(EventFeed feed) throws IOException {
        return feed.produce(new ByteArrayOutputStream());
    }

    @Test
    @DisplayName("a new task is accepted; one with the same key is joined and runs once")
    void acceptedAndJoined() {
        FakeRequest request = FakeRequest.by("alice").with("Idempotency-Key", "k1");
        handoff.begin(request, Task.of("work", "x"));
        handoff.begin(request, Task.of("work", "x"));
        assertThat(observer.take()).containsExactly("accepted work", "joined work");
        clock.tick(Duration.ofMillis(7));
        executor.runAll();
        assertThat(observer.take())
                .containsExactly(
                        "started work after 7",
                        "first event of work after 0",
                        "ended work COMPLETED after 0: 1 events, 1 bytes");
    }

    @Test
    @DisplayName("a retry that a client marks is joined")
    void joinedByMark() {
        FakeRequest request = FakeRequest.by("alice");
        handoff.begin(request, Task.of("work", "x"));
        handoff.begin(request.with("X-Stainless-Retry-Count", "1"), Task.of("work", "x"), Duration.ofMinutes(1));
        assertThat(observer.take()).containsExactly("accepted work", "joined work");
    }

    @Test
    @DisplayName("a request with Last-Event-ID is resumed and starts nothing")
    void resumed() {
        Task task = Task.of("work", "x");
        handoff.begin(FakeRequest.by("alice"), task);
        FakeRequest again = FakeRequest.by("alice").with("Last-Event-ID", task.id() + ":0");
        handoff.begin(again, Task.of("work", "x"));
        assertThat(handoff.resume(again)).isPresent();
        assertThat(observer.take()).containsExactly("accepted work", "resumed standard", "resumed standard");
    }

    @Test
    @DisplayName("a refusal is reported once, with its status and code, by both ends")
    void refused() {
        assertThatThrownBy(() -> handoff.begin(FakeRequest.by(null), Task.of("other", "")))
                .isInstanceOf(ProblemException.class);
        FakeRequest badId = FakeRequest.by(null).with("Last-Event-ID", "7");
        assertThatThrownBy(() -> handoff.begin(badId, Task.of("work", ""))).isInstanceOf(ProblemException.class);
        assertThatThrownBy(() -> handoff.resume(badId)).isInstanceOf(ProblemException.class);
        endpoint.answer(GET, "/no-token");
        endpoint.answer(new FakeRequest("PUT", "/", Map.of(), null, ""), "/no-token");
        assertThat(observer.take())
                .containsExactly(
                        "refused 400 unknown_task_type",
                        "refused 400 invalid_last_event_id",
                        "refused 400 invalid_last_event_id",
                        "refused 401 invalid_token",
                        "refused 405 method_not_allowed");
    }

    @Test
    @DisplayName("a reader is reported when it is connected, has its first bytes and is closed, each once")
    void reader() throws IOException {
        Stream stream = new Stream();
        EventFeed feed = stream.opened();
        clock.tick(Duration.ofMillis(5));
        assertThat(produce(feed)).isEqualTo(Produced.NOTHING);
        stream.writer.append(null, "a");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        feed.produce(out);
        clock.tick(Duration.ofMillis(40));
        stream.writer.end(End.completed(null));
        assertThat(feed.produce(out)).isEqualTo(Produced.LAST);
        assertThat(observer.take()).containsExactly("opened standard", "first bytes of standard after 5");
        feed.close();
        feed.close();
        assertThat(observer.take()).containsExactly("closed standard COMPLETED after 45: " + out.size() + " bytes");
    }

    @Test
    @DisplayName("the reason of the close is the end of the task, also for a reader that uses frames of another")
    void closedAfterTheEnd() throws IOException {
        for (Map.Entry<End, String> expected : Map.of(
                        End.failed(new Problem(502, "upstream", "The model failed.")), "FAILED",
                        End.cancelled(), "CANCELLED",
                        End.completed("{}"), "COMPLETED")
                .entrySet()) {
            Stream stream = new Stream();
            List<EventFeed> feeds = List.of(stream.opened(), stream.opened());
            stream.writer.end(expected.getKey());
            for (EventFeed feed : feeds) {
                assertThat(produce(feed)).isEqualTo(Produced.LAST);
                feed.close();
            }
            assertThat(observer.take().stream().filter(line -> line.startsWith("closed")))
                    .hasSize(2)
                    .allMatch(line -> line.startsWith("closed standard " + expected.getValue()));
        }
    }

    @Test
    @DisplayName("a reader that is closed before the end has left, unless the adapter or the server knows better")
    void closedBefore() throws IOException {
        Stream stream = new Stream();
        stream.opened().close();
        EventFeed slow = stream.opened();
        slow.closesBecause(ReaderEnd.TOO_SLOW);
        slow.close();
        EventFeed drained = stream.opened();
        drained.interrupt(Feed.INTERRUPTED);
        drained.close();
        EventFeed gone = stream.opened();
        gone.interrupt(new Problem(410, "stream_gone", "The stream is no longer kept."));
        assertThat(produce(gone)).isEqualTo(Produced.TRUNCATED);
        gone.close();
        assertThat(observer.take().stream()
                        .filter(line -> line.startsWith("closed"))
                        .map(line -> line.split(" ")[2]))
                .containsExactly("CLIENT_GONE", "TOO_SLOW", "DRAINED", "CUT");
    }

    @Test
    @DisplayName("a reader whose stream cannot be opened is refused, and neither opened nor closed")
    void notOpened() {
        Stream stream = new Stream();
        storeFails = true;
        EventFeed feed = stream.events();
        Throwable failure = null;
        try {
            feed.open(() -> {});
        } catch (RuntimeException e) {
            failure = e;
        }
        feed.close();
        assertThat(feed.error(Objects.requireNonNull(failure)).status()).isEqualTo(503);
        assertThat(observer.take()).containsExactly("refused 503 unavailable");
    }

    @Test
    @DisplayName("a reader of a document is reported, too; one that does not want to wait longer has its own reason")
    void documents() {
        Stream stream = new Stream();
        DocumentFeed impatient = stream.document(GET.with("Prefer", "wait=1"));
        clock.tick(Duration.ofSeconds(1));
        Reply status = impatient.reply().orElseThrow();
        impatient.close();
        DocumentFeed patient = stream.document(GET);
        stream.document(GET).close();
        stream.writer.end(End.completed("{\"a\":1}"));
        assertThat(patient.reply()).isPresent();
        patient.close();
        assertThat(observer.take())
                .containsExactly(
                        "opened result",
                        "first bytes of result after 1000",
                        "closed result WAIT_OVER after 1000: " + status.bytes().length + " bytes",
                        "opened result",
                        "opened result",
                        "closed result CLIENT_GONE after 0: 0 bytes",
                        "first bytes of result after 0",
                        "closed result COMPLETED after 0: 7 bytes");
    }

    @Test
    @DisplayName("R16 an observer that throws harms neither tasks nor readers, and is logged once")
    void observerThrows() throws IOException {
        HandoffObserver throwing = (HandoffObserver) Proxy.newProxyInstance(
                HandoffObserver.class.getClassLoader(),
                new Class<?>[] {HandoffObserver.class},
                (proxy, method, args) -> {
                    throw new IllegalStateException("a test of an observer that fails");
                });
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(GuardedObserver.class);
        log.start();
        logger.addAppender(log);
        try {
            InProcessTaskDispatcher unharmed = dispatcher(throwing);
            Handoff observed = handoff(unharmed, throwing);
            Task task = Task.of("work", "x");
            assertThat(observed.begin(FakeRequest.by("alice"), task).status()).isEqualTo(303);
            executor.runAll();
            assertThat(memory.open(task.id()).end()).isEqualTo(Optional.of(End.completed(null)));
            StreamEndpoint.Answer answer = StreamEndpoint.of(observed).answer(GET, path(task.id(), "standard"));
            EventFeed feed = ((StreamEndpoint.Events) answer).feed();
            feed.open(() -> {});
            assertThat(produce(feed)).isEqualTo(Produced.LAST);
            feed.close();
            // Once for each of the two observers that were set.
            assertThat(log.list.stream().filter(event -> event.getLevel() == Level.WARN))
                    .hasSize(2);
        } finally {
            logger.detachAppender(log);
        }
    }
}
