// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.Handoff;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * A {@link Handoff} for tests: it keeps streams in memory, runs handlers in threads of its own, and seals tokens with a random secret.
 * {@link #close} stops all of these.
 *
 * <pre>{@code
 * try (TestHandoff test = TestHandoff.of("report", handler)) {
 *     Reply reply = test.handoff().begin(TestRequest.post("/reports", "rain"), Task.of("report", "rain"));
 *     HandoffAssertions.assertThat(test.stream(reply).awaitOutcome()).hasData("page 1", "page 2").completed();
 * }
 * }</pre>
 *
 * <p>Thread-safe.
 */
public final class TestHandoff implements AutoCloseable {

    private static final int SECRET_BYTES = 32;

    private final EventStore store;
    private final Map<String, Throwable> thrown = new ConcurrentHashMap<>();
    private final TaskDispatcher dispatcher;
    private final Handoff handoff;
    private final Runnable close;

    private TestHandoff(Builder builder) {
        InMemoryEventStore store = InMemoryEventStore.create();
        ExecutorService executor = Executors.newCachedThreadPool();
        InProcessTaskDispatcher.Builder dispatchers = InProcessTaskDispatcher.builder(store, executor);
        builder.handlers.forEach(
                (type, handler) -> dispatchers.handler(type, new WatchedHandler(handler, thrown::putIfAbsent)));
        InProcessTaskDispatcher dispatcher = dispatchers.build();
        this.store = store;
        this.dispatcher = dispatcher;
        this.handoff = builder.settings
                .apply(Handoff.builder(dispatcher, store, TokenSealer.of(randomSecret())))
                .build();
        this.close = () -> close(dispatcher, executor, builder.closeWithin);
    }

    private TestHandoff(Handoff handoff, EventStore store, TaskDispatcher dispatcher) {
        this.handoff = handoff;
        this.store = store;
        this.dispatcher = dispatcher;
        this.close = () -> {};
    }

    private static String randomSecret() {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return Base64.getEncoder().encodeToString(secret);
    }

    /** Returns a hand-off with the default settings and one handler, for the tasks of one type. */
    public static TestHandoff of(String type, TaskHandler handler) {
        return builder().handler(type, handler).build();
    }

    /**
     * Wraps a hand-off that the test did not create, for example one that a framework has created. {@link #close} does nothing then,
     * and {@link TaskOutcome#thrown()} is null.
     *
     * @param store the store with the streams of the hand-off
     * @param dispatcher the dispatcher that runs its tasks
     */
    public static TestHandoff around(Handoff handoff, EventStore store, TaskDispatcher dispatcher) {
        return new TestHandoff(handoff, store, dispatcher);
    }

    /** Returns a builder of a hand-off without handlers. */
    public static Builder builder() {
        return new Builder();
    }

    /** Returns the hand-off. */
    public Handoff handoff() {
        return handoff;
    }

    /**
     * Starts a task without a request, and returns its stream.
     *
     * @throws ProblemException if there is no handler for the type of the task
     */
    public TestStream dispatch(Task task) {
        return stream(dispatcher.dispatch(task).taskId());
    }

    /**
     * Returns the stream to which a reply leads its client.
     *
     * @throws IllegalArgumentException if the reply has no {@code Location}
     * @throws ProblemException if the {@code Location} does not end with a token of this hand-off
     */
    public TestStream stream(Reply reply) {
        String location = reply.header("Location");
        if (location == null) {
            throw new IllegalArgumentException("the reply leads to no stream: " + reply);
        }
        String path = location.replaceFirst("\\?.*", "");
        String token = path.substring(path.lastIndexOf('/') + 1);
        return stream(handoff.open(token).grant().streamId());
    }

    private TestStream stream(String id) {
        return new TestStream(store.open(id), dispatcher, thrown::get);
    }

    /**
     * Ends the streams of all tasks that still run, runs their cancel actions, interrupts their handlers and waits until these have
     * returned.
     *
     * @throws IllegalStateException if a handler has not returned after 10 seconds
     */
    @Override
    public void close() {
        close.run();
    }

    private static void close(InProcessTaskDispatcher dispatcher, ExecutorService executor, Duration closeWithin) {
        dispatcher.close();
        executor.shutdownNow();
        try {
            if (!executor.awaitTermination(closeWithin.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException(
                        "a handler has ignored its cancellation and its interrupt for " + closeWithin);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sets the handlers and the settings of a hand-off. Not thread-safe. */
    public static final class Builder {

        private final Map<String, TaskHandler> handlers = new LinkedHashMap<>();
        private UnaryOperator<Handoff.Builder> settings = UnaryOperator.identity();
        private Duration closeWithin = Duration.ofSeconds(10);

        private Builder() {}

        /**
         * Sets the handler for the tasks of a type.
         *
         * @throws IllegalArgumentException if the type has a handler already
         */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /** Sets the function that changes the settings of the {@link Handoff}, such as its redirect policy and its formats. */
        public Builder settings(UnaryOperator<Handoff.Builder> settings) {
            this.settings = settings;
            return this;
        }

        /** Sets how long {@link TestHandoff#close} waits for handlers. */
        Builder closeWithin(Duration closeWithin) {
            this.closeWithin = closeWithin;
            return this;
        }

        /** Returns the hand-off. */
        public TestHandoff build() {
            return new TestHandoff(this);
        }
    }
}
