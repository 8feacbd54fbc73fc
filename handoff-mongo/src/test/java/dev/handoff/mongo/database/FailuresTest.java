// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.mongo.testing.Mongo;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A deployment that is shut down interrupts its background threads, and must not warn of that. */
class FailuresTest {

    private final Mongo mongo = Mongo.start();
    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(2);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("dev.handoff.mongo");

    @BeforeEach
    void watchLog() {
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void close() {
        logger.detachAppender(log);
        executor.shutdownNow();
        mongo.close();
    }

    @Test
    @DisplayName("a worker whose thread is interrupted in a tick logs no warning, and continues in the next tick")
    void interruptedTick() {
        MongoEventStore store =
                MongoEventStore.builder(mongo.database, executor).build();
        MongoTaskQueue queue = MongoTaskQueue.builder(mongo.database, store, Runnable::run, List.of("any"))
                .sweepInterval(Duration.ofMillis(1))
                .build();
        MongoWorker worker = MongoWorker.builder(queue, Runnable::run)
                .handler("any", (task, output) -> {})
                .build();
        Thread.currentThread().interrupt();
        worker.tick();
        assertThat(Thread.interrupted()).as("the interruption is kept").isTrue();
        assertThat(log.list).noneMatch(e -> e.getLevel().isGreaterOrEqual(Level.WARN));
        worker.tick();
    }

    @Test
    @DisplayName("any other failure is logged as a warning that names the failure")
    void otherFailure() {
        Failures.log(logger, new IllegalStateException("a test"), "work {} failed: {}", 7);
        assertThat(log.list).extracting(ILoggingEvent::getLevel).containsExactly(Level.WARN);
        assertThat(log.list.get(0).getFormattedMessage())
                .isEqualTo("work 7 failed: " + new IllegalStateException("a test"));
    }
}
