// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.mongodb.client.MongoDatabase;
import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandStartedEvent;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventStream;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two workers and two streaming servers, each with a connection of its own, as in a deployment. */
class LoadTest {

    private static final int STREAMS = 200;
    private static final int EVENTS = 100;
    private static final int BEATS_PER_SECOND = 20;
    private static final int READERS_PER_STREAM = 3;

    @Test
    @Timeout(120)
    @DisplayName(
            "R1 R5 200 streams of 20 events a second, read by three on each server: no gap, no event twice, few operations")
    void manyStreams() throws Exception {
        Phaser beat = new Phaser(1);
        List<Process> processes = new ArrayList<>();
        ScheduledExecutorService metronome = Executors.newSingleThreadScheduledExecutor();
        Mongo mongo = Mongo.start();
        try {
            for (int i = 0; i < 4; i++) {
                processes.add(new Process(mongo));
            }
            for (Process worker : processes.subList(0, 2)) {
                worker.work(beat);
            }
            List<Reader> readers = new ArrayList<>();
            MongoTaskQueue dispatcher = processes.get(2).queue;
            for (int i = 0; i < STREAMS; i++) {
                Task task = Task.of("count", "");
                dispatcher.dispatch(task);
                for (Process server : processes.subList(2, 4)) {
                    for (int r = 0; r < READERS_PER_STREAM; r++) {
                        readers.add(new Reader(server.store.open(task.id())));
                    }
                }
            }
            await().until(() ->
                    processes.get(0).running.get() + processes.get(1).running.get() == STREAMS);
            processes.forEach(Process::resetCounts);
            long began = System.nanoTime();
            metronome.scheduleAtFixedRate(beat::arrive, 0, 1000 / BEATS_PER_SECOND, TimeUnit.MILLISECONDS);
            await().atMost(Duration.ofSeconds(90)).until(() -> readers.stream().allMatch(Reader::isDone));
            double seconds = (System.nanoTime() - began) / 1e9;

            assertThat(readers).allSatisfy(reader -> assertThat(reader.failures).hasValue(0));
            assertThat(readers).allSatisfy(reader -> assertThat(reader.next).hasValue(EVENTS));
            for (Process server : processes.subList(2, 4)) {
                assertThat(server.reads.get() / seconds).isLessThan(100);
            }
            for (Process worker : processes.subList(0, 2)) {
                // Each of its tasks also costs the claim and the note of its end.
                assertThat(worker.writes.get() / seconds).isLessThan(200);
            }
        } finally {
            metronome.shutdownNow();
            processes.forEach(Process::close);
            mongo.close();
        }
    }

    /** One that reads as a streaming server does, in the thread that tells it of news. */
    private static final class Reader {

        private final EventStream stream;
        private final AtomicLong next = new AtomicLong();
        private final AtomicInteger failures = new AtomicInteger();
        private final AtomicInteger wakeUps = new AtomicInteger();
        private long after = EventStream.BEGINNING;
        private volatile boolean done;

        Reader(EventStream stream) {
            this.stream = stream;
            stream.watch(this::wake);
            wake();
        }

        private void wake() {
            if (wakeUps.getAndIncrement() != 0) {
                return;
            }
            int seen = 1;
            do {
                read();
                seen = wakeUps.addAndGet(-seen);
            } while (seen != 0);
        }

        private void read() {
            while (!done) {
                EventStream.Batch batch = stream.read(after, 64);
                for (Event event : batch.events()) {
                    if (event.position() != next.getAndIncrement()) {
                        failures.incrementAndGet();
                    }
                }
                if (batch.end() != null) {
                    done = true;
                } else if (batch.last() == after) {
                    return;
                }
                after = batch.last();
            }
        }

        boolean isDone() {
            // A hint may get lost, so a reader looks again by itself.
            wake();
            return done;
        }
    }

    /** What a process of a deployment has of its own. */
    private static final class Process implements CommandListener {

        private final AtomicInteger reads = new AtomicInteger();
        private final AtomicInteger writes = new AtomicInteger();
        private final AtomicInteger running = new AtomicInteger();
        private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(4);
        private final ExecutorService handlers = Executors.newCachedThreadPool();
        private final MongoEventStore store;
        private final MongoTaskQueue queue;

        Process(Mongo mongo) {
            MongoDatabase database = mongo.connect(this);
            store = MongoEventStore.builder(database, executor).build();
            queue = MongoTaskQueue.builder(database, store, handlers, List.of("count"))
                    .build();
        }

        void work(Phaser beat) {
            MongoWorker worker = MongoWorker.builder(queue, handlers)
                    .maxRunning(STREAMS / 2)
                    .handler("count", (task, output) -> {
                        running.incrementAndGet();
                        for (int i = 0; i < EVENTS; i++) {
                            beat.awaitAdvance(beat.getPhase());
                            output.emit("event " + i);
                        }
                    })
                    .build();
            executor.scheduleWithFixedDelay(worker::tick, 0, 20, TimeUnit.MILLISECONDS);
        }

        void resetCounts() {
            reads.set(0);
            writes.set(0);
        }

        @Override
        public void commandStarted(CommandStartedEvent event) {
            switch (event.getCommandName()) {
                case "find", "getMore", "aggregate" -> reads.incrementAndGet();
                case "insert", "update", "findAndModify", "delete" -> writes.incrementAndGet();
                default -> {
                    // Neither reads nor writes.
                }
            }
        }

        void close() {
            executor.shutdownNow();
            handlers.shutdownNow();
        }
    }
}
