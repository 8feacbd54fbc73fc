// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.mongodb.MongoException;
import com.mongodb.ServerAddress;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.FaultProxy;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.testkit.TickingClock;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.bson.BsonDateTime;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ServerTimeTest {

    private static final Instant NOON = Instant.parse("2030-06-01T12:00:00Z");

    private final MongoServer server = StandIn.start();
    private final FaultProxy proxy = new FaultProxy(new ServerAddress(
            server.getLocalAddress().getHostString(), server.getLocalAddress().getPort()));
    private final Commands commands = new Commands();
    private final MongoClient client = MongoClients.create(
            proxy.settings().commandListenerList(List.of(commands)).build());
    private final TickingClock ticker = new TickingClock();
    private final ServerTime time =
            new ServerTime(client.getDatabase("test").withTimeout(500, TimeUnit.MILLISECONDS), ticker);

    private final ServerTime unlimited = new ServerTime(client.getDatabase("test"), ticker);

    ServerTimeTest() throws IOException {}

    @AfterEach
    void close() throws IOException {
        client.close();
        proxy.close();
        server.shutdownNow();
    }

    private static BsonDocument answer(Instant now) {
        return new BsonDocument("ok", new BsonDouble(1)).append("localTime", new BsonDateTime(now.toEpochMilli()));
    }

    private void serverSays(Instant now) {
        proxy.repair();
        proxy.always("hello", new FaultProxy.Fault.Answer(answer(now)));
    }

    @Test
    @DisplayName("the time is the last answer of the server plus the time since, and is renewed once a minute")
    void onceAMinute() {
        serverSays(NOON);
        assertThat(time.now()).isEqualTo(NOON);
        ticker.tick(Duration.ofSeconds(59));
        assertThat(time.now()).isEqualTo(NOON.plusSeconds(59));
        assertThat(commands.count("hello")).isEqualTo(1);
        ticker.tick(Duration.ofSeconds(2));
        serverSays(NOON.plusSeconds(62));
        assertThat(time.now()).isEqualTo(NOON.plusSeconds(62));
        assertThat(commands.count("hello")).isEqualTo(2);
    }

    @Test
    @DisplayName("a step of the clock of this machine changes nothing")
    void ownClock() {
        serverSays(NOON);
        time.now();
        ticker.setClock(Duration.ofHours(-5));
        assertThat(time.now()).isEqualTo(NOON);
    }

    @Test
    @DisplayName("during an outage of the server the last answer counts, and after the outage the next one")
    void away() {
        serverSays(NOON);
        time.now();
        ticker.tick(Duration.ofMinutes(3));
        proxy.repair();
        proxy.always("hello", FaultProxy.error(91, "ShutdownInProgress"));
        proxy.always("isMaster", FaultProxy.error(91, "ShutdownInProgress"));
        assertThat(time.now()).isEqualTo(NOON.plusSeconds(180));
        assertThat(time.now()).isEqualTo(NOON.plusSeconds(180));
        assertThat(proxy.struck("hello")).as("asked again only after a while").isEqualTo(2);
        ticker.tick(Duration.ofSeconds(1));
        // Another primary has another clock.
        serverSays(NOON.minusSeconds(60));
        assertThat(time.now()).isEqualTo(NOON.minusSeconds(60));
    }

    @Test
    @DisplayName("reading the time fails until the server has answered once")
    void neverAnswered() {
        proxy.always("hello", new FaultProxy.Fault.CutBefore());
        assertThatExceptionOfType(MongoException.class).isThrownBy(time::now);
        serverSays(NOON);
        assertThat(time.now()).isEqualTo(NOON);
    }

    @Test
    @DisplayName("an old server gets the older name of the command")
    void olderName() {
        proxy.always("hello", FaultProxy.error(59, "CommandNotFound"));
        proxy.always("isMaster", new FaultProxy.Fault.Answer(answer(NOON).append("setName", new BsonString("rs0"))));
        assertThat(time.now()).isEqualTo(NOON);
        assertThat(time.isCluster()).isTrue();
    }

    @Test
    @DisplayName("callers that need the first answer at the same time share one request")
    void sharedFirstAnswer() {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        proxy.always("hello", new FaultProxy.Fault.ChangeAnswer(answer -> {
            asked.countDown();
            awaitLatch(answered);
            return answer(NOON);
        }));
        List<Thread> callers = new ArrayList<>();
        List<Instant> times = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 10; i++) {
            Thread caller = new Thread(() -> times.add(unlimited.now()));
            callers.add(caller);
            caller.start();
        }
        awaitLatch(asked);
        // Each waits for the answer, or for a connection of its own.
        await().until(() -> callers.stream()
                .allMatch(t -> t.getState() != Thread.State.NEW
                        && t.getState() != Thread.State.TERMINATED
                        && inServerTime(t)));
        answered.countDown();
        await().until(() -> times.size() == 10);
        assertThat(times).containsOnly(NOON);
        assertThat(commands.count("hello")).isEqualTo(1);
    }

    private static boolean inServerTime(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(f -> f.getClassName().equals(ServerTime.class.getName()));
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
