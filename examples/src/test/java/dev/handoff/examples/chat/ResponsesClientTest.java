// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.NotFoundException;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseRetrieveParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Responses API with OpenAI's SDK for Java. */
@Timeout(120)
class ResponsesClientTest {

    private static TestChat chat;
    private static OpenAIClient openai;

    @BeforeAll
    static void start() {
        chat = TestChat.start("--heartbeat", "50ms");
        openai = OpenAIOkHttpClient.builder()
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .build();
    }

    @AfterAll
    static void stop() {
        openai.close();
        chat.close();
    }

    private static ResponseCreateParams ask(boolean background) {
        return ResponseCreateParams.builder()
                .model("echo")
                .input("one two three")
                .background(background)
                .build();
    }

    private static List<ResponseStreamEvent> retrieve(String id, long startingAfter) {
        ResponseRetrieveParams params = ResponseRetrieveParams.builder()
                .responseId(id)
                .startingAfter(startingAfter)
                .build();
        try (StreamResponse<ResponseStreamEvent> events = openai.responses().retrieveStreaming(params)) {
            return events.stream().toList();
        }
    }

    private static String text(Response response) {
        return response.output()
                .get(0)
                .asMessage()
                .content()
                .get(0)
                .asOutputText()
                .text();
    }

    @Test
    void itReadsAWholeResponse() {
        Response response = openai.responses().create(ask(false));

        response.validate();
        assertThat(text(response)).isEqualTo("one two three");
        assertThat(response.usage().orElseThrow().totalTokens()).isEqualTo(6);
    }

    @Test
    void itPollsABackgroundResponseAndReadsItsEventsAfterEachNumber() {
        String id = openai.responses().create(ask(true)).id();
        Response done = await().atMost(Duration.ofSeconds(60))
                .until(
                        () -> openai.responses().retrieve(id),
                        now -> now.status().orElseThrow().equals(ResponseStatus.COMPLETED));

        assertThat(text(done)).isEqualTo("one two three");
        List<ResponseStreamEvent> events = new ArrayList<>();
        try (StreamResponse<ResponseStreamEvent> all = openai.responses().retrieveStreaming(id)) {
            all.stream().forEach(events::add);
        }
        events.forEach(ResponseStreamEvent::validate);
        assertThat(events).hasSize(11);
        assertThat(events.get(10).asCompleted().response()).isEqualTo(done);
        for (int k = 0; k < events.size(); k++) {
            assertThat(retrieve(id, k)).as("after %s", k).isEqualTo(events.subList(k + 1, events.size()));
        }
    }

    @Test
    void itMissesADeletedResponse() {
        String id = openai.responses().create(ask(false)).id();
        openai.responses().delete(id);

        assertThatThrownBy(() -> openai.responses().retrieve(id)).isInstanceOf(NotFoundException.class);
    }
}
