// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.handoff.RedirectPolicy;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TestHandoffTest {

    private static final Task RAIN = Task.of("report", "rain");
    private static final TaskHandler ONE_PAGE = (task, output) -> output.emit("page", "about " + task.payload());

    @Test
    @DisplayName("the reply to a request leads to the stream, and so does that to its retry")
    void stream() {
        try (TestHandoff test = TestHandoff.of("report", ONE_PAGE)) {
            TestRequest request =
                    TestRequest.post("/reports", "rain").withSubject("alice").withHeader("Idempotency-Key", "k1");
            TestStream stream = test.stream(test.handoff().begin(request, RAIN));
            TestStream retried = test.stream(test.handoff().begin(request, Task.of("report", "rain")));

            assertThat(stream.awaitOutcome()).hasData("about rain").completed();
            assertThat(retried.id()).isEqualTo(stream.id());
        }
    }

    @Test
    @DisplayName("the settings of the hand-off can be changed, and a reply with an absolute address is understood")
    void settings() {
        try (TestHandoff test = TestHandoff.builder()
                .handler("report", ONE_PAGE)
                .settings(settings -> settings.redirectPolicy(RedirectPolicy.accepted())
                        .eventsUrl("https://stream.example.com/events"))
                .build()) {
            Reply reply = test.handoff().begin(TestRequest.post("/reports", "rain"), RAIN);

            assertThat(reply.status()).isEqualTo(202);
            assertThat(test.stream(reply).awaitOutcome()).completed();
            assertThatIllegalArgumentException().isThrownBy(() -> test.stream(Reply.of(204)));
        }
    }

    @Test
    @DisplayName("a stream can be read while it grows, and its task can be cancelled")
    void grows() {
        CountDownLatch cancelled = new CountDownLatch(1);
        TaskHandler waiting = (task, output) -> {
            output.onCancel(cancelled::countDown);
            output.emit("page", "1");
            output.emit("page", "2");
            cancelled.await();
        };
        try (TestHandoff test = TestHandoff.of("report", waiting)) {
            TestStream stream = test.dispatch(RAIN);

            assertThat(stream.awaitEvents(2)).extracting(Event::data).containsExactly("1", "2");
            assertThat(stream.events()).hasSize(2);
            assertThat(stream.cancel()).isTrue();
            assertThat(stream.awaitOutcome()).wasCancelled();
        }
    }

    @Test
    @DisplayName("a wait for more events than the stream gets fails as soon as the stream ends")
    void tooFewEvents() {
        try (TestHandoff test = TestHandoff.of("report", ONE_PAGE)) {
            TestStream stream = test.dispatch(RAIN);
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> stream.awaitEvents(2))
                    .withMessageContaining("ended after 1 of 2 events");
            assertThat(stream.cancel()).isFalse();
        }
    }

    @Test
    @DisplayName("the outcome has what the handler threw")
    void thrown() {
        TaskHandler failing = (task, output) -> {
            throw new IllegalStateException("no paper");
        };
        try (TestHandoff test = TestHandoff.of("report", failing)) {
            assertThat(test.dispatch(RAIN).awaitOutcome())
                    .failedWith("handler_failed")
                    .threw(IllegalStateException.class);
        }
    }

    @Test
    @DisplayName("a type without a handler is refused, and a type cannot have two handlers")
    void handlers() {
        TestHandoff.Builder builder = TestHandoff.builder().handler("report", ONE_PAGE);
        assertThatIllegalArgumentException().isThrownBy(() -> builder.handler("report", ONE_PAGE));
        try (TestHandoff test = builder.build()) {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> test.dispatch(Task.of("other", "rain")))
                    .withMessageContaining("unknown_task_type");
        }
    }

    @Test
    @DisplayName("close ends the streams and waits until the handlers have returned")
    void close() {
        AtomicBoolean returned = new AtomicBoolean();
        TestHandoff test = TestHandoff.of("report", (task, output) -> {
            output.emit("started");
            try {
                TimeUnit.HOURS.sleep(1);
            } finally {
                returned.set(true);
            }
        });
        TestStream stream = test.dispatch(RAIN);
        stream.awaitEvents(1);
        test.close();

        assertThat(returned).isTrue();
        assertThat(stream.awaitOutcome()).failedWith("worker_lost");
    }

    @Test
    @DisplayName("close fails if a handler ignores its cancellation and its interrupt")
    void stubborn() {
        CountDownLatch released = new CountDownLatch(1);
        TestHandoff test = TestHandoff.builder()
                .handler("report", (task, output) -> {
                    output.emit("started");
                    while (released.getCount() > 0) {
                        Thread.onSpinWait();
                    }
                })
                .closeWithin(Duration.ofMillis(20))
                .build();
        test.dispatch(RAIN).awaitEvents(1);

        assertThatIllegalStateException().isThrownBy(test::close).withMessageContaining("handler");
        released.countDown();
        test.close();
    }
}
