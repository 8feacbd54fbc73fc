// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import static dev.handoff.testkit.HandoffAssertions.assertThat;

import dev.handoff.spring.test.HandoffTest;
import dev.handoff.testkit.SseClient;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;

@HandoffTest(webEnvironment = WebEnvironment.RANDOM_PORT)
@Import(ReportsTest.InMemory.class)
class ReportsServerTest {

    @Value("${local.server.port}")
    private int port;

    private HttpRequest post(String path, String body) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .POST(BodyPublishers.ofString(body))
                .build();
    }

    @Test
    @DisplayName("with a web server the routes of annotations and customizers lead to streams, which can be read again")
    void routes() throws Exception {
        try (SseClient client = SseClient.open(post("/reports", "rain"))) {
            assertThat(client).receives("page", "a page about rain");
            client.cut();
            assertThat(client).endsWith("completed");
        }
        try (SseClient client = SseClient.open(post("/summaries/rain", ""))) {
            assertThat(client).endsWith("completed");
        }
    }
}
