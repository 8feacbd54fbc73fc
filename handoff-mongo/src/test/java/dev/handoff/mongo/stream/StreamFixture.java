// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TestDocuments;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** What tests of streams share: two stores, each as in a process of its own. What one writes, the other reads. */
abstract class StreamFixture {

    private static final AtomicInteger NAMES = new AtomicInteger();

    static Mongo mongo;

    final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    final ExecutorService threads = Executors.newCachedThreadPool();
    final Commands commands = new Commands();
    final List<Reader> readers = new ArrayList<>();
    TcpProxy proxy;
    MongoEventStore writing;
    MongoEventStore reading;

    /** Reads as a connection does: when it is told to, and not otherwise. */
    final class Reader implements AutoCloseable {

        final EventStream stream;
        private final int limit;
        private final EventStream.Watch watch;
        final AtomicBoolean hinted = new AtomicBoolean();
        final List<Event> seen = new ArrayList<>();
        private long after;
        End end;

        Reader(EventStore store, String name, long after, int limit) {
            this.stream = store.open(name);
            this.limit = limit;
            this.after = after;
            this.watch = stream.watch(() -> hinted.set(true));
            readers.add(this);
            hinted.set(true);
        }

        Reader(String name) {
            this(reading, name, EventStream.BEGINNING, 64);
        }

        /** Returns whether the end was reached. */
        boolean follow() {
            if (end == null && hinted.compareAndSet(true, false)) {
                long before;
                do {
                    before = after;
                    EventStream.Batch batch = stream.read(after, limit);
                    seen.addAll(batch.events());
                    after = batch.last();
                    end = batch.end();
                } while (end == null && after > before);
            }
            return end != null;
        }

        List<String> data() {
            return seen.stream().map(Event::data).toList();
        }

        @Override
        public void close() {
            watch.close();
        }
    }

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start();
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @BeforeEach
    void start() throws Exception {
        collection().deleteMany(new Document());
        proxy = new TcpProxy(mongo.address());
        writing = store(mongo.database);
        reading = store(mongo.connect(commands));
    }

    @AfterEach
    void stop() throws Exception {
        readers.forEach(Reader::close);
        timer.shutdownNow();
        threads.shutdownNow();
        proxy.close();
    }

    MongoEventStore store(MongoDatabase database) {
        return MongoEventStore.builder(database, timer)
                .retryFor(Duration.ofSeconds(10))
                .fetchLoops(1)
                .build();
    }

    static MongoCollection<Document> collection() {
        return mongo.database.getCollection(MongoEventStore.COLLECTION);
    }

    static String name() {
        return String.format("%032x", NAMES.incrementAndGet());
    }

    static void insert(EventBatch minibatch) {
        collection().insertOne(TestDocuments.of(minibatch));
    }

    static EventBatch minibatch(String name, long seq, int count, End end) {
        List<Event> events = IntStream.range(0, count)
                .mapToObj(i -> new Event(seq + i, null, "event " + (seq + i)))
                .toList();
        return new EventBatch(new ObjectId(), name, seq, 1, events, end, false);
    }

    static List<String> numbered(long from, long to) {
        return LongStream.range(from, to).mapToObj(i -> "event " + i).toList();
    }
}
