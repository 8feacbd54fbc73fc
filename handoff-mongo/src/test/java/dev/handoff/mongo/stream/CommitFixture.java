// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.mongo.testing.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.bson.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** A server, a connection to it that can fail, and threads. */
abstract class CommitFixture {

    private static final AtomicInteger NAMES = new AtomicInteger();

    static Mongo mongo;

    final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    final ExecutorService threads = Executors.newCachedThreadPool();
    final Commands commands = new Commands();
    TcpProxy proxy;

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
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(new Document());
        proxy = new TcpProxy(mongo.address());
    }

    @AfterEach
    void stop() throws Exception {
        timer.shutdownNow();
        threads.shutdownNow();
        proxy.close();
    }

    final MongoEventStore store(MongoDatabase database, Duration retryFor) {
        return MongoEventStore.builder(database, timer).retryFor(retryFor).build();
    }

    final MongoEventStore store() {
        return store(mongo.connect(commands), Duration.ofSeconds(10));
    }

    final MongoEventStore proxied(Duration retryFor) {
        return store(mongo.connect(proxy, commands), retryFor);
    }

    static String name() {
        return String.format("%032x", NAMES.incrementAndGet());
    }

    /** What is in the database, read without what is tested. */
    static List<String> stored(String stream) {
        List<String> data = new ArrayList<>();
        long[] next = new long[1];
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .find(Filters.eq("stream", stream))
                .sort(new Document("seq", 1))
                .forEach(d -> {
                    assertThat(d.getLong("seq")).as("R1 positions are dense").isEqualTo(next[0]);
                    List<Document> entries = d.getList("data", Document.class);
                    entries.forEach(e -> data.add(e.getString("data")));
                    next[0] += entries.size() + (d.containsKey("end") ? 1 : 0);
                });
        return data;
    }

    static List<String> numbered(int count) {
        return IntStream.range(0, count).mapToObj(i -> "event " + i).toList();
    }

    /** Whether a commit has gathered its documents and tries to write them. */
    static boolean isWriting() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(f -> f.getClassName().equals(GroupCommit.class.getName())
                        && f.getMethodName().equals("write"));
    }

    final boolean threadsIdle() {
        return ((ScheduledThreadPoolExecutor) timer).getActiveCount() == 0;
    }
}
