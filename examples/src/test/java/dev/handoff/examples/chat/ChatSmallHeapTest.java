// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server with a heap of 64 MB, which exits if it needs more. */
@Timeout(120)
class ChatSmallHeapTest {

    private static final int LARGEST_BODY = ContentLimits.ofHeap(64 << 20).maxBytes() - 100_000;
    private static final String MESSAGE = "{\"role\":\"user\",\"content\":\"a\"},";

    private static Process process;
    private static URI server;

    private final HttpClient client = HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NORMAL)
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    @BeforeAll
    static void start() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+ExitOnOutOfMemoryError",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Dlogback.configurationFile="
                                + Path.of("src/main/resources/logback.xml").toUri(),
                        ChatCommand.class.getName(),
                        "--port",
                        "0")
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().keySet().removeIf(name -> name.startsWith("HANDOFF_") || name.startsWith("OPENAI_"));
        process = builder.start();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        server = URI.create(lines.readLine().replaceFirst(".* on ", ""));
    }

    @AfterAll
    static void stop() {
        process.destroy();
    }

    private static String request(String messages, boolean stream) {
        return "{\"model\":\"echo\",\"stream\":" + stream + ",\"metadata\":{\"delay_ms\":\"0\"},\"messages\":["
                + messages + "{\"role\":\"user\",\"content\":\"done\"}]}";
    }

    private CompletableFuture<HttpResponse<String>> post(String body) {
        return client.sendAsync(
                HttpRequest.newBuilder(server.resolve("/v1/chat/completions"))
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private void assertServing() throws Exception {
        assertThat(process.isAlive()).isTrue();
        assertThat(post(request("", true)).get().body()).endsWith("data: [DONE]\n\n");
    }

    @Test
    @DisplayName("R15: as many messages as the largest body holds are answered, one body after the other")
    void manyMessages() throws Exception {
        String body = request(MESSAGE.repeat(LARGEST_BODY / MESSAGE.length()), false);
        for (int i = 0; i < 30; i++) {
            HttpResponse<String> answer = post(body).get();
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(Json.parse(answer.body())
                            .at("/choices/0/message/content")
                            .asText())
                    .isEqualTo("done");
        }
        assertServing();
    }

    @Test
    @DisplayName("R15: many large bodies at the same time are answered or refused, and the server keeps working")
    void manyAtTheSameTime() throws Exception {
        for (String filler : List.of(
                MESSAGE.repeat(LARGEST_BODY / MESSAGE.length()),
                "{\"role\":\"user\",\"content\":\"" + "a".repeat(LARGEST_BODY) + "\"},",
                "{\"role\":\"system\",\"content\":[" + "[[[]]],".repeat(LARGEST_BODY / 7) + "{}]},")) {
            List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                answers.add(post(request(filler, true)));
            }
            for (CompletableFuture<HttpResponse<String>> answer : answers) {
                assertThat(answer.get().statusCode()).isIn(200, 400, 503);
            }
            assertServing();
        }
    }

    @Test
    @DisplayName("R15: a million messages are too large for this heap, and are refused")
    void aMillionMessages() throws Exception {
        HttpResponse<String> answer =
                post(request(MESSAGE.repeat(1_000_000), true)).get();

        assertThat(answer.statusCode()).isEqualTo(413);
        assertThat(Json.parse(answer.body()).at("/error/code").asText()).isEqualTo("content_too_large");
        assertServing();
    }
}
