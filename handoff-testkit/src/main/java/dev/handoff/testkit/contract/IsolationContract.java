// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.format.StreamFormat;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests that application code that hangs or fails delays no other stream (R16), and that reports of readers continue (R9). */
@Timeout(60)
public abstract class IsolationContract extends ContainerClient {

    @Test
    @DisplayName(
            "R16 a dispatcher, a store and a format that hang delay no heartbeat and no write deadline of other streams")
    void hangingApplication() throws Exception {
        for (String method : List.of("reportReaders", "read", "status", "format")) {
            ContractServer server = server(s -> s.heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(2)));
            HttpResponse<String> redirect = post("/tasks", "hanging", "X-Format", FaultyFormat.NAME);
            String hanging = taskOf(redirect);
            String location = location(post("/tasks", "b"));
            SseReader affected = new SseReader(get(location(redirect)).body());
            SseReader reader = new SseReader(get(location).body());
            Socket stuck = connect("GET", location, "");
            readUntil(stuck, "\r\n\r\n");
            await().until(() -> server.store.openWatches() == 3);
            CountDownLatch latch = new CountDownLatch(1);
            CountDownLatch hangs = new CountDownLatch(1);
            try {
                if (method.equals("format")) {
                    server.faulty.events = event -> {
                        hangs.countDown();
                        Faults.await(latch);
                        return StreamFormat.standard().frames(event);
                    };
                    server.script("hanging").emit(null, "one");
                } else {
                    server.faults.set(method, id -> {
                        if (id.contains(hanging)) {
                            hangs.countDown();
                            Faults.await(latch);
                        }
                    });
                }
                assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
                        .isTrue();

                int before = reader.comments();
                CompletableFuture<Received> next =
                        CompletableFuture.supplyAsync(() -> reader.next().orElseThrow(), server.executor);
                await().until(() -> reader.comments() >= before + 10);
                for (int i = 0; i < 1500; i++) {
                    server.script("b").emit(null, "x".repeat(8 << 10));
                }
                assertThat(next.get().data()).startsWith("x");
                CompletableFuture<List<Received>> rest = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
                // The server cuts the client that takes nothing. The other two stay.
                await().until(() -> server.store.openWatches() == 2);
                server.script("b").complete(null);
                assertThat(rest.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1500);
            } finally {
                latch.countDown();
            }
            server.script("hanging").complete(null);
            assertThat(affected.toEnd()).last().extracting(Received::type).isEqualTo("completed");
            stop();
        }
    }

    @Test
    @DisplayName("R16 a format that hangs occupies no thread that serves the sockets of other clients")
    void hangingFormatKeepsNoSocketThread() throws Exception {
        ContractServer server = server();
        CountDownLatch latch = new CountDownLatch(1);
        CountDownLatch hangs = new CountDownLatch(1);
        server.faulty.events = event -> {
            hangs.countDown();
            Faults.await(latch);
            return StreamFormat.standard().frames(event);
        };
        HttpResponse<String> redirect = post("/tasks", "hanging", "X-Format", FaultyFormat.NAME);
        // The task ends before a client reads its stream, so that the container begins the delivery.
        server.script("hanging").emit(null, "one").complete(null);
        await().until(() -> status(location(redirect)).get("state").textValue().equals("completed"));
        String other = location(post("/tasks", "b"));
        server.script("b").complete(null);
        try {
            connect("GET", location(redirect), "");
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            // There are more connections than such threads.
            for (int i = 0; i < 32; i++) {
                assertThat(exchange("GET", other, "")).contains("event: completed");
            }
        } finally {
            latch.countDown();
        }
    }

    @Test
    @DisplayName("R9 the server reports to the dispatcher which streams have readers, even if none has")
    void reportsAttendance() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        List<String> reports = Collections.synchronizedList(new ArrayList<>());
        server.faults.set("reportReaders", reports::add);
        await().until(() -> reports.contains(""));
        HttpResponse<String> redirect = post("/tasks", "a");
        HttpResponse<InputStream> stream = get(location(redirect));
        await().until(() -> reports.contains(taskOf(redirect)));
        server.script("a").complete(null);
        assertThat(events(stream)).hasSize(1);
        reports.clear();
        await().until(() -> reports.contains(""));
    }

    @Test
    @DisplayName("R16 with an executor the timer never waits for a dispatcher, not even while no stream is open")
    void hangingWithoutReaders() throws Exception {
        ExecutorService jobs = Executors.newCachedThreadPool();
        try {
            ContractServer server = server(s -> s.heartbeat(HEARTBEAT).executor(jobs));
            CountDownLatch latch = new CountDownLatch(1);
            CountDownLatch hangs = new CountDownLatch(1);
            server.faults.set("reportReaders", ids -> {
                hangs.countDown();
                Faults.await(latch);
            });
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            CompletableFuture<List<Received>> all;
            try {
                SseReader reader =
                        new SseReader(get(location(post("/tasks", "a"))).body());
                all = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
                await().until(() -> reader.comments() >= 10);
            } finally {
                latch.countDown();
            }
            server.script("a").complete(null);
            assertThat(all.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1);
        } finally {
            jobs.shutdownNow();
        }
    }

    @Test
    @DisplayName("R16 streams with readers are reported while an earlier report hangs")
    void hangingReport() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        List<String> reports = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch latch = new CountDownLatch(1);
        CountDownLatch hangs = new CountDownLatch(1);
        try {
            server.faults.set("reportReaders", ids -> {
                if (!ids.isEmpty() && hangs.getCount() == 1) {
                    hangs.countDown();
                    Faults.await(latch);
                }
                reports.add(ids);
            });
            HttpResponse<String> redirect = post("/tasks", "a");
            HttpResponse<InputStream> stream = get(location(redirect));
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            await().until(() -> reports.contains(taskOf(redirect)));
            assertThat(latch.getCount()).isEqualTo(1);
            server.script("a").complete(null);
            assertThat(events(stream)).hasSize(1);
        } finally {
            latch.countDown();
        }
    }

    @Test
    @DisplayName("a handler that leaves its thread interrupted does not break a response")
    void interruptedHandler() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", "result");
        String document = location(redirect);
        String result = "\"" + "x".repeat(300_000) + '"';
        CompletableFuture<HttpResponse<String>> waiting =
                client.sendAsync(request("GET", document, ""), HttpResponse.BodyHandlers.ofString());
        SseReader reader =
                new SseReader(get(server.readOnly(taskOf(redirect), "standard")).body());
        await().until(() -> server.store.hints.size() == 2);
        server.script("a")
                .then(output -> {
                    Thread.currentThread().interrupt();
                    output.emit("one");
                    assertThat(Thread.interrupted()).isTrue();
                })
                .completeInterrupted(result);
        assertThat(waiting.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).body())
                .isEqualTo(result);
        assertThat(reader.toEnd()).extracting(Received::data).containsExactly("one", result);
    }
}
