// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.ProblemException;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.token.Grant;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests what clients get when the store or the dispatcher fails (R8, R13, R16). */
@Timeout(60)
public abstract class StoreFaultContract extends ContainerClient {

    @Test
    @DisplayName("R13 a store or a dispatcher that throws anything: 503 with Retry-After, for every method")
    void storeThrows() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");
        String events = location(redirect);
        String id = taskOf(redirect);
        String document = server.path(id, "result", Duration.ofHours(1), Grant.Right.values());
        server.script("a").emitNumbered(0, 2);
        String last = new SseReader(get(events).body()).next().orElseThrow().lastEventId();

        for (Supplier<Throwable> failure : Faults.FAILURES) {
            for (String method : List.of("open", "status")) {
                server.faults.fail(method, failure.get());
                assertUnavailable(send("GET", events, ""), events);
                assertUnavailable(send("POST", events, ""), events);
                assertUnavailable(send("GET", document, ""), document);
                assertUnavailableHead(events);
                assertUnavailableHead(document);
                assertUnavailable(send("GET", events + "/status", ""), events);
                server.faults.clear();
            }
            server.faults.fail("eventCount", failure.get());
            assertUnavailable(send("GET", events + "/status", ""), events);
            server.faults.fail("cancel", failure.get());
            assertUnavailable(send("DELETE", events, ""), events);
            server.faults.fail("watch", failure.get());
            assertUnavailable(send("GET", events, ""), events);
            assertUnavailable(send("GET", document, ""), document);
            server.faults.clear();
            server.faults.fail("last", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", last), events);
            server.faults.clear();
            server.faults.fail("end", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", last), events);
            assertProblem(send("GET", document, ""), 503, "interrupted");
            server.faults.clear();
            server.faults.fail("read", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", id + ":1.1"), events);
            server.faults.clear();
        }
        server.script("a").complete(null);
        await().until(() -> server.store.openWatches() == 0);
    }

    @Test
    @DisplayName("R13 410, not 200 and a cut, if the first read finds that the stream is no longer kept")
    void goneAtFirstRead() throws Exception {
        ContractServer server = server();
        String events = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        server.faults.fail("read", new ProblemException(410, "stream_gone", "The stream is no longer kept."));
        assertProblem(send("GET", events, ""), 410, "stream_gone");
        server.faults.clear();
        SseReader reader = new SseReader(get(events).body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("event 0");
        server.script("a").complete(null);
        await().until(() -> server.store.openWatches() == 0);
    }

    private static void assertUnavailable(HttpResponse<String> answer, String location) throws IOException {
        assertProblem(answer, 503, "unavailable");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
        assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(answer.body())
                .doesNotContain("secret")
                .doesNotContain(location.substring(location.lastIndexOf('/') + 1));
    }

    private void assertUnavailableHead(String location) throws Exception {
        HttpResponse<String> answer = send("HEAD", location, "");
        assertProblem(answer, 503, null);
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
    }

    @Test
    @DisplayName("R16 a store that throws in mid-stream cuts that stream, and no other one")
    void storeThrowsInMidStream() throws Exception {
        ContractServer server = server();
        String other = location(post("/tasks", "b"));
        SseReader untouched = new SseReader(get(other).body());
        for (int i = 0; i < Faults.FAILURES.size(); i++) {
            String script = "a" + i;
            HttpResponse<String> redirect = post("/tasks", script);
            String id = taskOf(redirect);
            server.script(script).emit(null, "one");
            SseReader reader = new SseReader(get(location(redirect)).body());
            assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
            Throwable failure = Faults.FAILURES.get(i).get();
            server.faults.set("read", stream -> {
                if (stream.equals(id)) {
                    Faults.raise(failure);
                }
            });
            server.script(script).emit(null, "two");
            assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
            assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
            server.faults.clear();
        }
        server.script("b").emit(null, "one").complete(null);
        assertThat(untouched.toEnd()).hasSize(2);
    }

    @Test
    @DisplayName("R8 a store that fails never looks like the end of a stream")
    void storeFails() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        SseReader reader = new SseReader(get(location).body());
        reader.next();
        server.faults.fail("read", new ProblemException(503, "store_unreachable", "The store cannot be reached."));
        server.script("a").emitNumbered(1, 2);
        Received last = reader.next().orElseThrow();
        assertThat(last.type()).isEqualTo("interrupted");
        assertThat(last.data()).contains("store_unreachable");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
    }

    @Test
    @DisplayName("R16 a watch that cannot be closed does not keep the response open")
    void watchCannotBeClosed() throws Exception {
        ContractServer server = server();
        for (Supplier<Throwable> failure : Faults.FAILURES) {
            String script = failure.get().getClass().getName();
            String location = location(post("/tasks", script));
            server.faults.fail("close", failure.get());
            server.script(script).emitNumbered(0, 1).complete(null);
            assertThat(events(get(location))).hasSize(2);
            await().until(() -> status(location).get("readers").asInt() == 0);
        }
    }
}
