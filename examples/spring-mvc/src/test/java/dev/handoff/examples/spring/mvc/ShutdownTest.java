// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.mvc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class ShutdownTest {

    private static final int STREAMS = 50;
    private static final Duration WINDOW = Duration.ofSeconds(1);

    @Test
    @DisplayName(
            "after SIGTERM with 50 open streams the process exits within the drain window and 2 s; each reader sees an interruption or the end")
    void drains() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(STREAMS);
        try (RunningJar application =
                RunningJar.start("reports.pause=1h", "handoff.drain-window=" + WINDOW.toSeconds() + "s")) {
            UserSession alice = UserSession.login(application, "alice", "wonderland");
            List<Future<Last>> lasts = new ArrayList<>();
            for (int i = 0; i < STREAMS; i++) {
                HttpResponse<InputStream> stream =
                        alice.client.send(alice.report("rain").build(), BodyHandlers.ofInputStream());
                SseReader reader = new SseReader(stream.body());
                assertThat(reader.next().orElseThrow().data()).isEqualTo("page 1 about rain for alice");
                lasts.add(threads.submit(() -> last(reader)));
            }

            assertThat(application.stop()).isLessThan(WINDOW.plusSeconds(2));

            for (Future<Last> last : lasts) {
                Last seen = last.get(5, TimeUnit.SECONDS);
                assertThat(seen.type()).isIn("interrupted", "completed", "failed");
                assertThat(seen.clean()).isEqualTo(!seen.type().equals("interrupted"));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    /**
     * Holds how the response to a reader ended.
     *
     * @param clean whether the response ended as a complete one does
     */
    private record Last(String type, boolean clean) {}

    private static Last last(SseReader reader) {
        String type = "";
        try {
            for (Optional<SseReader.Received> next = reader.next(); next.isPresent(); next = reader.next()) {
                type = next.get().type();
            }
            return new Last(type, true);
        } catch (UncheckedIOException e) {
            return new Last(type, false);
        }
    }
}
