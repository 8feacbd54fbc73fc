// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader.Received;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how the server treats clients that read slowly, stop reading, or send slowly (R7). */
@Timeout(60)
public abstract class SlowClientContract extends ContainerClient {

    @Test
    @DisplayName(
            "R7 a client that reads steadily but slowly gets an event and a document that take longer than the deadline")
    void slowReaders() throws Exception {
        TickingTicker ticker = new TickingTicker();
        ContractServer server =
                server(s -> s.ticker(ticker).heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(8)));
        HttpResponse<String> redirect = post("/tasks", "a");
        String data = "x".repeat(24 << 20);
        server.script("a").emit(null, data).complete(data);
        await().until(() -> status(location(redirect)).get("state").textValue().equals("completed"));
        for (String location : List.of(location(redirect), server.readOnly(taskOf(redirect), "result"))) {
            Socket socket = connect("GET", location, "");
            InputStream in = socket.getInputStream();
            long total = 0;
            byte[] bytes = in.readNBytes(1 << 20);
            while (bytes.length > 0) {
                total += bytes.length;
                ticker.tick(Duration.ofSeconds(1));
                bytes = in.readNBytes(1 << 20);
            }
            assertThat(total).isGreaterThanOrEqualTo(data.length());
        }
    }

    @Test
    @DisplayName("R7 a client that stops reading costs little memory, delays no other client, and is cut off")
    void stuckClients() throws Exception {
        int stuck = 30;
        ContractServer server = server(s -> s.writeDeadline(Duration.ofSeconds(2)));
        String location = location(post("/tasks", "a"));
        server.script("a").emit(null, "first");
        List<Socket> readers = new ArrayList<>();
        for (int i = 0; i < stuck; i++) {
            Socket socket = connect("GET", location, "");
            readUntil(socket, "data: first");
            readers.add(socket);
        }
        long before = usedHeap();
        CountDownLatch emitted = new CountDownLatch(1);
        String payload = "x".repeat(8 << 10);
        for (int i = 0; i < 2000; i++) {
            server.script("a").emit(null, payload);
        }
        server.script("a").then(output -> emitted.countDown());

        CompletableFuture<Integer> quick =
                CompletableFuture.supplyAsync(() -> events(get(location)).size(), server.executor);
        assertThat(emitted.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
        long grown = usedHeap() - before;
        // The store holds 16 million characters once. Queues for each client would hold 30 times as many.
        assertThat(grown).isLessThan(100L << 20);
        server.script("a").complete(null);
        assertThat(quick.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isEqualTo(2002);

        await().until(() -> status(location).get("readers").asInt() == 0);
        String late = drain(readers.get(0));
        assertThat(late).doesNotContain("event: completed").doesNotEndWith("0\r\n\r\n");
    }

    @Test
    @DisplayName("a request that announces a body and never sends it gets its complete answer")
    void bodyNeverSent() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");
        server.script("a").complete("1");
        String document = server.readOnly(taskOf(redirect), "result");
        ReadStream stream = stream(location(redirect), "Content-Length", "5");
        assertThat(stream.events()).extracting(Received::type).containsExactly("completed");
        assertThat(stream.clean()).isTrue();
        assertThat(readUntil(connect("GET", document, "Content-Length: 5\r\n"), "\r\n\r\n1"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    @DisplayName("a body that never ends is read until the write deadline")
    void bodyWithoutEnd() throws Exception {
        TickingTicker ticker = new TickingTicker();
        ContractServer server =
                server(s -> s.ticker(ticker).heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(2)));
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        Socket socket = connect("POST", location, "Content-Length: 16000000\r\n");
        CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> drainUnchecked(socket), server.executor);
        await().until(() -> {
            try {
                socket.getOutputStream().write('x');
            } catch (IOException e) {
                // The server has closed the connection, so the answer is about to end.
            }
            ticker.tick(Duration.ofMillis(50));
            return answer.isDone();
        });
        assertThat(answer.get()).contains("event: completed");
    }

    private static String drainUnchecked(Socket socket) {
        try {
            return drain(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
