// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import dev.handoff.mongo.testing.FaultProxy;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many readers that are behind at the same time. */
@Timeout(120)
class CatchUpTest extends StreamFixture {

    private static final int STREAMS = 60;
    private static final int EVENTS = 120;

    /** A reader whose hint reads the stream, as a connection does. One thread at a time reads. */
    private static final class Follower {

        private final EventStream stream;
        private final ConcurrentLinkedQueue<Throwable> failures;
        private final ReentrantLock lock = new ReentrantLock();
        private final List<String> seen = new ArrayList<>();
        private EventStream.Watch watch;
        private long after = EventStream.BEGINNING;
        private volatile boolean done;

        Follower(EventStream stream, ConcurrentLinkedQueue<Throwable> failures) {
            this.stream = stream;
            this.failures = failures;
        }

        void begin() {
            watch = stream.watch(this::read);
            read();
        }

        private void read() {
            lock.lock();
            try {
                while (!done) {
                    EventStream.Batch batch = stream.read(after, 30);
                    batch.events().forEach(event -> seen.add(event.data()));
                    done = batch.end() != null;
                    if (batch.last() == after) {
                        return;
                    }
                    after = batch.last();
                }
            } catch (Throwable e) {
                failures.add(e);
            } finally {
                lock.unlock();
            }
        }
    }

    @Test
    @DisplayName("readers that are behind wait without a thread while others read, and none fails")
    void manyBehind() throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            String name = name();
            names.add(name);
            for (int seq = 0; seq < EVENTS; seq += 20) {
                insert(minibatch(name, seq, 20, seq + 20 == EVENTS ? End.completed(null) : null));
            }
        }
        ExecutorService hints = Executors.newCachedThreadPool();
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        try (FaultProxy slow = new FaultProxy(mongo.address());
                MongoClient client = MongoClients.create(slow.settings().build())) {
            slow.always("find", new FaultProxy.Fault.Delay(Duration.ofMillis(40)));
            MongoEventStore store = MongoEventStore.builder(client.getDatabase(mongo.database.getName()), timer)
                    .operationTimeout(Duration.ofMillis(700))
                    .hintExecutor(job -> hints.execute(() -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        job.run();
                        running.decrementAndGet();
                    }))
                    .build();
            List<Follower> followers = names.stream()
                    .map(name -> new Follower(store.open(name), failures))
                    .toList();
            followers.forEach(follower -> hints.execute(follower::begin));
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> !failures.isEmpty() || followers.stream().allMatch(f -> f.done));

            assertThat(failures).isEmpty();
            assertThat(followers).allSatisfy(f -> assertThat(f.seen).isEqualTo(numbered(0, EVENTS)));
            assertThat(most.get()).isLessThan(STREAMS / 2);
            followers.forEach(follower -> follower.watch.close());
        } finally {
            hints.shutdownNow();
        }
    }
}
