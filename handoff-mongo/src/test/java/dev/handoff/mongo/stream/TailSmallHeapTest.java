// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TestDocuments;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Streams are tailed in a process with a small heap. By default this is a small case. The full one, 2,000 streams of a megabyte and
 * 128 MB, needs a few gigabytes for the stand-in: {@code -Dhandoff.tail.streams=2000 -Dhandoff.tail.heap=128m
 * -DargLine=-Xmx6g}.
 */
@Timeout(600)
class TailSmallHeapTest {

    private static final int STREAMS = Integer.getInteger("handoff.tail.streams", 60);
    private static final String HEAP = System.getProperty("handoff.tail.heap", "32m");
    private static final int EVENT_CHARS = 40_000;
    private static final int EVENTS = 25;

    @Test
    @DisplayName("R15 many streams of a megabyte are delivered completely on a small heap with default settings")
    void tailsOnSmallHeap() throws Exception {
        MongoServer server = StandIn.start();
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + HEAP,
                        "-XX:+ExitOnOutOfMemoryError",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TailSmallHeapApplication.class.getName(),
                        server.getConnectionString(),
                        String.valueOf(STREAMS),
                        String.valueOf(EVENTS))
                .redirectErrorStream(true)
                .start();
        try (MongoClient client = MongoClients.create(server.getConnectionString());
                BufferedReader said = process.inputReader()) {
            StringBuilder log = new StringBuilder();
            await(said, "following", log);
            write(client.getDatabase(TailSmallHeapApplication.DATABASE).getCollection(MongoEventStore.COLLECTION));
            await(said, "done " + STREAMS, log);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(log.toString()).isZero();
        } finally {
            process.destroyForcibly();
            server.shutdownNow();
        }
    }

    private static void await(BufferedReader said, String line, StringBuilder log) throws Exception {
        String next;
        do {
            next = said.readLine();
            log.append(next).append('\n');
            assertThat(next).as("in vain waited for \"%s\" in:%n%s", line, log).isNotNull();
        } while (!next.equals(line));
    }

    private static void write(MongoCollection<Document> events) {
        String data = "x".repeat(EVENT_CHARS);
        for (int seq = 0; seq < EVENTS; seq++) {
            List<Document> documents = new ArrayList<>();
            for (int stream = 0; stream < STREAMS; stream++) {
                documents.add(TestDocuments.of(new EventBatch(
                        new ObjectId(),
                        TailSmallHeapApplication.id(stream),
                        seq,
                        1,
                        List.of(new Event(seq, null, data)),
                        seq == EVENTS - 1 ? End.completed(null) : null,
                        false)));
            }
            events.insertMany(documents);
        }
    }
}
