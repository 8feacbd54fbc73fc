// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UpstreamListTest {

    private final ExecutorService threads = Executors.newCachedThreadPool();
    /** The upstream needs a permit for each answer. */
    private final Semaphore permits = new Semaphore(0);

    private final AtomicInteger requests = new AtomicInteger();
    private volatile String models = "a";
    private volatile int status = 200;
    private HttpServer upstream;
    private UpstreamList list;

    @BeforeEach
    void start() throws IOException {
        upstream = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        upstream.setExecutor(threads);
        upstream.createContext("/models", exchange -> {
            requests.incrementAndGet();
            permits.acquireUninterruptibly();
            byte[] body = ("{\"data\":[{\"id\":\"" + models + "\"}]}").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        upstream.start();
        URI url = URI.create("http://127.0.0.1:" + upstream.getAddress().getPort() + "/models");
        HttpRequest request = HttpRequest.newBuilder(url).build();
        // Each list is old as soon as it has arrived.
        list = new UpstreamList(HttpClient.newHttpClient(), request, "p/", Duration.ZERO);
    }

    @AfterEach
    void stop() {
        permits.release(1000);
        upstream.stop(0);
        threads.shutdownNow();
    }

    @Test
    @DisplayName("an old list is returned at once, while one request for a new list runs")
    void anOldListIsReturnedAtOnce() {
        permits.release();
        assertThat(list.models()).extracting(Model::id).containsExactly("p/a");

        for (int i = 0; i < 10; i++) {
            assertThat(list.has("p/a")).isTrue();
        }
        await().until(() -> requests.get() == 2);

        models = "b";
        permits.release();
        await().until(() -> list.models().get(0).id().equals("p/b"));
    }

    @Test
    @DisplayName("a model that an old list does not have is looked up in a new list")
    void anUnknownModelIsLookedUpInANewList() throws Exception {
        permits.release();
        assertThat(list.has("p/a")).isTrue();

        models = "b";
        Future<Boolean> found = threads.submit(() -> list.has("p/b"));
        permits.release(2);
        assertThat(found.get(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    @DisplayName("all callers that wait for a list that cannot be read wait for the same request")
    void waitingCallersShareARequest() throws Exception {
        status = 500;
        Future<Boolean> first = threads.submit(() -> list.has("p/a"));
        await().until(() -> requests.get() == 1);
        Future<Boolean> second = threads.submit(() -> list.has("p/a"));
        await().until(() -> permits.hasQueuedThreads()
                && Thread.getAllStackTraces().entrySet().stream()
                                .filter(thread -> thread.getValue().length > 0)
                                .filter(thread -> Arrays.stream(thread.getValue())
                                        .anyMatch(frame -> frame.getClassName().equals(UpstreamList.class.getName())
                                                && frame.getMethodName().equals("await")))
                                .count()
                        == 2);

        permits.release();

        for (Future<Boolean> caller : List.of(first, second)) {
            assertThatThrownBy(() -> caller.get(20, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(ProblemException.class)
                    .hasMessageContaining("answered with status 500");
        }
        assertThat(requests).hasValue(1);
        status = 200;
        permits.release();
        assertThat(list.has("p/a")).isTrue();
    }
}
