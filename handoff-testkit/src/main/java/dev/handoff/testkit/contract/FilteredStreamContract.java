// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.ProblemException;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests filters before the streaming server: they do not hide from a client that its stream was cut, an output of a filter that fails affects one
 * stream, and the error for missing async support names the setting.
 */
@Timeout(60)
public abstract class FilteredStreamContract extends ContainerClient {

    @ParameterizedTest
    @ValueSource(strings = {HostileFilter.SWALLOWING, HostileFilter.REFUSING})
    @DisplayName("R8 a cut reaches the client through a filter that catches exceptions, or that refuses dispatches")
    void cut(String filter) throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1).complete(null);
        server.faults.fail("read", new ProblemException(503, "store_unreachable", "The store cannot be reached."));
        ReadStream cut = stream(location, "X-Filter", filter);
        assertThat(cut.events()).extracting(Received::type).containsExactly("interrupted");
        assertThat(cut.clean()).isFalse();

        server.faults.clear();
        ReadStream whole = stream(location, "X-Filter", filter);
        assertThat(whole.events()).extracting(Received::data).containsExactly("event 0", "");
        assertThat(whole.clean()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {HostileFilter.SWALLOWING, HostileFilter.REFUSING})
    @DisplayName("R8 a server that drains cuts the streams behind such a filter, and its drain ends")
    void drains(String filter) throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        SseReader reader = new SseReader(get(location, "X-Filter", filter).body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("event 0");
        server.events.drain().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {HostileFilter.SWALLOWING, HostileFilter.REFUSING})
    @DisplayName("R8 over HTTP/2 a stream behind such a filter is reset")
    void resetsOverHttp2(String filter) throws Exception {
        ContractServer server = server();
        HttpClient http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        String other = location(post("/tasks", "other"));
        // The first request upgrades the connection, and the second one opens a stream of its own.
        SseReader ofOther = new SseReader(overHttp2(http2, other).body());
        HttpResponse<String> redirect = post("/tasks", "a");
        String task = taskOf(redirect);
        String location = location(redirect);
        server.script("a").emitNumbered(0, 1);
        SseReader reader =
                new SseReader(overHttp2(http2, location, "X-Filter", filter).body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("event 0");
        server.faults.set("read", id -> {
            if (id.equals(task)) {
                Faults.raise(new IllegalStateException("no connection"));
            }
        });
        server.script("a").emitNumbered(1, 2);
        assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
        server.faults.clear();
        server.script("other").emit(null, "goes on").complete(null);
        assertThat(ofOther.toEnd()).extracting(Received::data).containsExactly("goes on", "");
    }

    @Test
    @DisplayName("R16 a heartbeat that cannot be written cuts its stream, and delays no heartbeat of another one")
    void failingHeartbeat() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        HttpResponse<InputStream> broken = get(location(post("/tasks", "a")), "X-Output", "faulty");
        SseReader reader = new SseReader(get(location(post("/tasks", "b"))).body());
        await().until(() -> server.store.openWatches() == 2);
        CompletableFuture<List<Received>> all = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
        server.faults.fail("write", new IllegalStateException("a test of a wrapper that fails"));
        await().until(() -> server.store.openWatches() == 1);
        assertThatThrownBy(() -> broken.body().readAllBytes()).isInstanceOf(IOException.class);
        int before = reader.comments();
        await().until(() -> reader.comments() >= before + 10);
        server.script("b").complete(null);
        assertThat(all.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1);
    }

    @Test
    @DisplayName("R13 without async support: 500, and the error says what to configure")
    void asyncMissing() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", "result");
        server.script("a").complete("1");
        String document = location(redirect);
        String events = server.readOnly(taskOf(redirect));
        for (String location : List.of(document, events)) {
            for (String prefix : List.of("/without-async/", "/filtered/")) {
                HttpResponse<String> answer = send("GET", location.replace("/events/", prefix), "");
                assertProblem(answer, 500, "async_not_supported");
                assertThat(answer.body()).contains("asyncSupported=true").contains("filter");
                assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
            }
        }
        assertThat(send("GET", document, "").body()).isEqualTo("1");
    }
}
