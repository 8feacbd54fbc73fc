// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests that streams leave nothing behind, and that open streams need no thread. */
@Timeout(60)
public abstract class ResourceContract extends ContainerClient {

    @Test
    @DisplayName("every watch is closed, and a client that reads after the others have left shares no frames with them")
    void leavesNothingBehind() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", ContractServer.CountedFormat.NAME));
        List<List<Received>> both = List.of(follow(location), follow(location));
        await().until(() -> status(location).get("readers").asInt() == 2);
        server.script("a").emit(null, "one").complete(null);
        await().until(() -> both.stream().allMatch(a -> a.size() == 2));
        await().until(() -> status(location).get("readers").asInt() == 0);
        await().until(() -> server.store.openWatches() == 0);

        int before = server.counted.events();
        assertThat(events(get(location))).hasSize(2);
        await().until(() -> status(location).get("readers").asInt() == 0);
        assertThat(events(get(location))).hasSize(2);
        assertThat(server.counted.events() - before).isEqualTo(2);
        await().until(() -> server.store.openWatches() == 0);
    }

    @Test
    @DisplayName("a streaming server that closes while a stream is open leaves no thread behind")
    void leavesNoThread() throws Exception {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emit(null, "one");
        SseReader reader = new SseReader(get(location).body());
        reader.next();
        server.events.close();
        Set<Thread> left = new HashSet<>(Thread.getAllStackTraces().keySet());
        left.removeAll(before);
        assertThat(left).extracting(Thread::getName).doesNotContain("CompletableFutureDelayScheduler");
    }

    @Test
    @DisplayName("an open stream needs no thread")
    void idleStreamsNeedNoThread() throws Exception {
        int count = 2000;
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        get(location).body().close();
        int before = Thread.activeCount();
        List<Socket> readers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Socket socket = connect("GET", location, "");
            readUntil(socket, "\r\n\r\n");
            readers.add(socket);
        }
        assertThat(status(location).get("readers").intValue()).isGreaterThanOrEqualTo(count);
        assertThat(Thread.activeCount()).isLessThan(before + 50);
        server.script("a").emit(null, "for all").complete(null);
        for (Socket socket : readers) {
            assertThat(readUntil(socket, "event: completed")).contains("data: for all");
        }
    }
}
