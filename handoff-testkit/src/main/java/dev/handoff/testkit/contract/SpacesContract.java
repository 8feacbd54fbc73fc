// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.Problem;
import dev.handoff.time.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests the spaces that a client gets while it waits for a document. */
@Timeout(60)
public abstract class SpacesContract extends ContainerClient {

    @Test
    @DisplayName("with a keep-alive time, a client that waits for a result gets spaces and then the result")
    void keepsClientsAlive() throws Exception {
        ContractServer server = server(SpacesContract::keepAlive);
        String location = location(post("/tasks", "a", "X-Format", "result"));
        try (InputStream body = beforeResult(location)) {
            assertThat(body.readNBytes(3)).containsOnly(' ');

            String result = "{\"text\":\"" + "\uD83D\uDE00ü".repeat(200_000) + "\"}";
            server.script("a").complete(result);
            assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8).stripLeading())
                    .isEqualTo(result);
        }
        // A result that is there is sent at once, with its status.
        HttpResponse<String> late = send("GET", location, "");
        assertThat(late.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(late.body()).startsWith("{\"text\"");
        await().until(() -> status(location).get("readers").asInt() == 0);
    }

    private static ServerSettings keepAlive(ServerSettings settings) {
        return settings.ticker(Ticker.system())
                .heartbeat(Duration.ofMillis(20))
                .documentKeepAlive(Duration.ofMillis(20));
    }

    /** Returns the body of a response that has begun before its result. */
    private InputStream beforeResult(String location) throws Exception {
        HttpResponse<InputStream> response =
                client.send(request("GET", location, ""), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(response.headers().firstValue("X-Accel-Buffering")).contains("no");
        assertThat(response.headers().firstValue("x-should-retry")).contains("false");
        assertThat(response.headers().firstValue("Content-Length")).isEmpty();
        return response.body();
    }

    @Test
    @DisplayName("R8 a result that fails, is cancelled or is interrupted after the first space is cut after its error")
    void cutsErrorsAfterSpaces() throws Exception {
        ContractServer server = server(SpacesContract::keepAlive);
        for (String how : List.of("failed", "cancelled", "interrupted")) {
            String location = location(post("/tasks", how, "X-Format", "result"));
            try (InputStream body = beforeResult(location)) {
                assertThat(body.read()).isEqualTo(' ');
                switch (how) {
                    case "failed" -> server.script(how).fail(new Problem(502, "upstream_failed", "No answer."));
                    case "cancelled" -> send("DELETE", location, "");
                    default -> server.events.drain();
                }
                StringBuilder read = new StringBuilder();
                assertThatThrownBy(() -> {
                            for (int next = body.read(); next >= 0; next = body.read()) {
                                read.append((char) next);
                            }
                        })
                        .as(how)
                        .isInstanceOf(IOException.class);
                assertThat(read.toString().strip())
                        .contains("\"code\":\"" + (how.equals("failed") ? "upstream_failed" : how) + '"');
            }
        }
    }

    @Test
    @DisplayName("a client that sends Prefer: wait gets no spaces")
    void noSpaces() throws Exception {
        ContractServer server = server(SpacesContract::keepAlive);
        String location = location(post("/tasks", "a", "X-Format", "result"));
        assertThat(send("GET", location, "", "Prefer", "wait=1").statusCode()).isEqualTo(202);

        CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                request("GET", location, "", "Prefer", "wait=100"), HttpResponse.BodyHandlers.ofString());
        await().until(() -> status(location).get("readers").asInt() == 1);
        server.script("a").fail(new Problem(502, "upstream_failed", "No answer."));
        assertProblem(answer.get(), 502, "upstream_failed");
    }

    @Test
    @DisplayName("a server that sends spaces notices that a client that waits for a result has left")
    void noticesThatAWaitingClientHasLeft() throws Exception {
        server(SpacesContract::keepAlive);
        String location = location(post("/tasks", "a", "X-Format", "result"));
        try (InputStream body = beforeResult(location)) {
            assertThat(body.read()).isEqualTo(' ');
            assertThat(status(location).get("readers").asInt()).isEqualTo(1);
        }
        await().until(() -> status(location).get("readers").asInt() == 0);
    }
}
