// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.contract.StoppedProcess.Hook;
import dev.handoff.testkit.contract.StoppedProcess.Kind;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests what a reader receives when its server process gets SIGTERM, on each container that docs/shutting-down.md describes. */
class ContainerStopTest {

    @ParameterizedTest
    @CsvSource({
        "JETTY, NONE, false",
        "TOMCAT, NONE, false",
        "UNDERTOW, NONE, false",
        "JETTY, CONTAINER, false",
        "TOMCAT, CONTAINER, true",
        "UNDERTOW, CONTAINER, true",
        "JETTY, DRAIN, true",
        "TOMCAT, DRAIN, true",
        "UNDERTOW, DRAIN, true"
    })
    @Timeout(120)
    @DisplayName("R8 SIGTERM cuts an open stream; with the right hook the reader gets the event interrupted first")
    void terminated(Kind kind, Hook hook, boolean interrupted) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        StoppedProcess.class.getName(),
                        kind.name(),
                        hook.name())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader out = process.inputReader()) {
            SseReader reader = open(address(out));
            assertThat(reader.next().orElseThrow().data()).isEqualTo("begun");

            process.destroy();

            List<String> seen = new ArrayList<>();
            assertThat(endsCleanly(reader, seen)).isFalse();
            assertThat(seen).isEqualTo(interrupted ? List.of("interrupted") : List.of());
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
    }

    /** Returns the address that the process prints. The lines before it are those of its log. */
    private static URI address(BufferedReader out) throws Exception {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith("http://")) {
                return URI.create(line);
            }
        }
        throw new AssertionError("the process has ended before it printed its address");
    }

    private static SseReader open(URI server) throws Exception {
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(server + "/tasks"))
                .POST(BodyPublishers.ofString("x"))
                .build();
        InputStream body = client.send(request, BodyHandlers.ofInputStream()).body();
        return new SseReader(body);
    }

    /** Reads to the end of the response. Collects the types of the events, and returns whether the response was complete. */
    private static boolean endsCleanly(SseReader reader, List<String> types) {
        try {
            for (Optional<SseReader.Received> next = reader.next(); next.isPresent(); next = reader.next()) {
                types.add(next.get().type());
            }
            return true;
        } catch (UncheckedIOException e) {
            return false;
        }
    }
}
