// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client of a storm sees what a server does wrong: one that saw nothing would find every server faultless. */
@Timeout(20)
class StormRunTest {

    private static final Storm THREE_EVENTS = new Storm(3, 1, 10);
    private static final String STREAM = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static final String COMPLETED = "event: completed\nid: s:3:aProof0123456_-9\ndata: \n\n";
    private static final String LAST_CHUNK = "0\r\n\r\n";

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private ServerSocket server;

    @BeforeEach
    void start() throws Exception {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        threads.shutdownNow();
    }

    @Test
    void countsTheEventsOfAWholeStream() throws Exception {
        try (StormRun run = run(STREAM + chunk(event(0) + event(1)) + chunk(event(2) + COMPLETED) + LAST_CHUNK)) {
            assertThat(run.delivered()).isEqualTo(3);
            assertThat(run.gaps()).isZero();
            assertThat(run.duplicates()).isZero();
            assertThat(state(run)).isEqualTo(StormReader.State.COMPLETE);
            assertThat(run.latency().getTotalCount()).isEqualTo(3);
        }
    }

    @Test
    void readsAnAnswerThatArrivesInPieces() throws Exception {
        StringBuilder pieces = new StringBuilder(STREAM);
        (event(0) + event(1) + event(2) + COMPLETED).chars().forEach(c -> pieces.append(chunk("" + (char) c)));
        try (StormRun run = run(pieces + LAST_CHUNK)) {
            assertThat(run.delivered()).isEqualTo(3);
            assertThat(state(run)).isEqualTo(StormReader.State.COMPLETE);
        }
    }

    @Test
    void countsMissingEvents() throws Exception {
        try (StormRun run = run(STREAM + chunk(event(0) + event(2) + COMPLETED) + LAST_CHUNK)) {
            assertThat(run.delivered()).isEqualTo(2);
            assertThat(run.gaps()).isEqualTo(1);
        }
    }

    @Test
    void countsMissingEventsAtTheBeginning() throws Exception {
        try (StormRun run = run(STREAM + chunk(event(2) + COMPLETED) + LAST_CHUNK)) {
            assertThat(run.gaps()).isEqualTo(2);
        }
    }

    @Test
    void countsEventsThatArriveTwice() throws Exception {
        String events = event(0) + event(1) + event(1) + event(2) + event(0);
        try (StormRun run = run(STREAM + chunk(events + COMPLETED) + LAST_CHUNK)) {
            assertThat(run.duplicates()).isEqualTo(2);
            assertThat(run.delivered()).isEqualTo(3);
        }
    }

    @Test
    void countsAStreamThatWasCutAsLost() throws Exception {
        try (StormRun run = run(STREAM + chunk(event(0) + event(1)))) {
            assertThat(state(run)).isEqualTo(StormReader.State.LOST);
        }
    }

    @Test
    void countsAnAnswerThatEndsBeforeItsStreamAsLost() throws Exception {
        try (StormRun run = run(STREAM + chunk(event(0) + event(1)) + LAST_CHUNK)) {
            assertThat(state(run)).isEqualTo(StormReader.State.LOST);
        }
    }

    @Test
    void countsARefusalAsLost() throws Exception {
        try (StormRun run = run("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")) {
            assertThat(state(run)).isEqualTo(StormReader.State.LOST);
            assertThat(run.delivered()).isZero();
        }
    }

    @Test
    void aReportIsWholeOnlyIfEachStreamIsComplete() {
        assertThat(report(0, 0, 0, 0).whole()).isTrue();
        assertThat(report(1, 0, 0, 0).whole()).isFalse();
        assertThat(report(0, 1, 0, 0).whole()).isFalse();
        assertThat(report(0, 0, 1, 0).whole()).isFalse();
        assertThat(report(0, 0, 0, 1).whole()).isFalse();
    }

    private static Report report(long missing, long gaps, long duplicates, long lost) {
        return new Report(
                "steady", 1, 1, 1, 1, 1, 1, missing, gaps, duplicates, lost, null, null, null, null, null, null);
    }

    private static String event(int position) {
        return "id: s:" + position + ":aProof0123456_-9\ndata: " + Storm.event(System.nanoTime(), "x") + "\n\n";
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
    }

    /** A storm of one reader, over when it has this answer. */
    private StormRun run(String answer) throws IOException {
        threads.execute(() -> answer(answer));
        URI url = URI.create("http://127.0.0.1:" + server.getLocalPort());
        StormRun run = new StormRun(url, url, THREE_EVENTS);
        run.add(Storm.PATH);
        assertThat(run.until(run::allFinished, 10, TimeUnit.SECONDS)).isTrue();
        return run;
    }

    private void answer(String answer) {
        try (Socket client = server.accept()) {
            BufferedReader request = new BufferedReader(new InputStreamReader(client.getInputStream(), US_ASCII));
            while (!request.readLine().isEmpty()) {
                // The head of the request.
            }
            client.getOutputStream().write(answer.getBytes(US_ASCII));
            client.shutdownOutput();
            request.readLine();
        } catch (IOException e) {
            // The client has closed, or the test is over.
        }
    }

    private static StormReader.State state(StormRun run) {
        return run.readers().get(0).state();
    }
}
