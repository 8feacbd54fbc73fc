// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The Responses API over HTTP. */
@Timeout(120)
class ResponsesTest {

    private static final List<String> TYPES = List.of(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed");

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    /** Returns a request with the text "one two". */
    private static ObjectNode ask(Object... metadata) {
        ObjectNode json = Json.object();
        json.put("model", "echo");
        json.put("input", "one two");
        for (int i = 0; i < metadata.length; i += 2) {
            json.withObject("/metadata").put((String) metadata[i], metadata[i + 1].toString());
        }
        return json;
    }

    private static ObjectNode background(Object... metadata) {
        return ask(metadata).put("background", true);
    }

    private static HttpResponse<String> post(TestChat server, Object body, String... headers) {
        return server.send(TestChat.request(server.url("/v1/responses"), headers)
                .POST(HttpRequest.BodyPublishers.ofString(body.toString())));
    }

    private static JsonNode begin(Object body) throws Exception {
        return ok(post(chat, body));
    }

    private static JsonNode ok(HttpResponse<String> response) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Json.parse(response.body());
    }

    private static JsonNode error(HttpResponse<String> response, int status) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = Json.parse(response.body()).get("error");
        assertThat(error.fieldNames()).toIterable().containsExactly("message", "type", "param", "code");
        return error;
    }

    private static String path(JsonNode response) {
        return "/v1/responses/" + response.path("id").asText();
    }

    private static HttpResponse<String> cancel(JsonNode response) {
        return chat.send(
                TestChat.request(chat.url(path(response) + "/cancel")).POST(HttpRequest.BodyPublishers.noBody()));
    }

    private static JsonNode awaitEnd(JsonNode response) {
        return await().atMost(Duration.ofSeconds(60))
                .until(
                        () -> ok(chat.get(path(response))),
                        now -> !now.path("status").asText().matches("queued|in_progress"));
    }

    private static List<JsonNode> events(URI stream) {
        try (EventReader reader = chat.read(stream)) {
            return events(reader.rest());
        }
    }

    private static List<JsonNode> events(List<Frame> frames) {
        List<JsonNode> events = new ArrayList<>();
        for (Frame frame : frames) {
            assertThat(frame.json().path("type").asText()).isEqualTo(frame.type());
            events.add(frame.json());
        }
        return events;
    }

    /** Returns the events after the one with this number; all events for null. */
    private static List<JsonNode> retrieve(JsonNode response, Integer startingAfter) {
        String query = "?stream=true" + (startingAfter == null ? "" : "&starting_after=" + startingAfter);
        HttpResponse<String> reply = chat.get(path(response) + query);
        return reply.statusCode() == 200 && reply.body().startsWith(":") ? List.of() : events(chat.accepted(reply));
    }

    private static List<String> types(List<JsonNode> events) {
        return events.stream().map(event -> event.path("type").asText()).toList();
    }

    private static void assertNoGap(List<JsonNode> events) {
        assertThat(events)
                .extracting(event -> event.path("sequence_number").asLong(-1))
                .containsExactlyElementsOf(
                        LongStream.range(0, events.size()).boxed().toList());
    }

    @Test
    void aClientThatWaitsGetsTheWholeResponse() throws Exception {
        ObjectNode body = ask("delay_ms", 0).put("instructions", "Be brief.");
        JsonNode response = ok(chat.get(chat.accepted(post(chat, body)).getPath()));

        assertThat(response.path("object").asText()).isEqualTo("response");
        assertThat(response.path("status").asText()).isEqualTo("completed");
        assertThat(response.path("instructions").asText()).isEqualTo("Be brief.");
        assertThat(response.at("/metadata/delay_ms").asText()).isEqualTo("0");
        assertThat(response.at("/output/0/content/0/text").asText()).isEqualTo("one two");
        assertThat(response.at("/output/0/role").asText()).isEqualTo("assistant");
        assertThat(response.at("/usage/input_tokens").asInt()).isEqualTo(4);
        assertThat(response.at("/usage/output_tokens").asInt()).isEqualTo(2);
        assertThat(response.at("/usage/total_tokens").asInt()).isEqualTo(6);
        assertThat(ok(chat.get(path(response)))).isEqualTo(response);
    }

    @Test
    void theEventsHaveTheOrderAndTheNumbersOfOpenAi() {
        List<JsonNode> events =
                events(chat.accepted(post(chat, ask("delay_ms", 0).put("stream", true))));

        assertThat(types(events)).isEqualTo(TYPES);
        assertNoGap(events);
        assertThat(events.get(4).path("delta").asText()).isEqualTo("one ");
        assertThat(events.get(6).path("text").asText()).isEqualTo("one two");
        assertThat(events.get(9).at("/response/output/0"))
                .isEqualTo(events.get(8).get("item"));
    }

    @Test
    void theInputCanBeAListOfMessages() throws Exception {
        ObjectNode body = ask("delay_ms", 0).put("max_output_tokens", 9);
        body.putArray("input")
                .addObject()
                .put("role", "user")
                .putArray("content")
                .addObject()
                .put("type", "input_text")
                .put("text", "three four");
        JsonNode response = ok(chat.get(chat.accepted(post(chat, body)).getPath()));

        assertThat(response.at("/output/0/content/0/text").asText()).isEqualTo("three four");
    }

    @Test
    void aRunningResponseResumesAfterEachOfItsEvents() throws Exception {
        JsonNode response = begin(background("delay_ms", 50));
        List<JsonNode> all = retrieve(response, null);

        for (int k = 0; k < TYPES.size(); k++) {
            ObjectNode body = background("delay_ms", 50).put("stream", true);
            List<Frame> first = new ArrayList<>();
            try (EventReader reader = chat.read(chat.accepted(post(chat, body)))) {
                while (first.size() <= k) {
                    first.add(reader.next().orElseThrow());
                }
            }
            List<JsonNode> events = new ArrayList<>(events(first));
            events.addAll(retrieve(events.get(0).get("response"), k));

            assertThat(types(events)).as("after %s", k).isEqualTo(TYPES);
            assertNoGap(events);
        }
        for (int k = 0; k < all.size(); k++) {
            assertThat(retrieve(response, k)).as("after %s", k).isEqualTo(all.subList(k + 1, all.size()));
        }
    }

    @Test
    void aBackgroundResponseIsPolledUntilItIsComplete() throws Exception {
        JsonNode response = begin(background("delay_ms", 20));

        assertThat(response.path("status").asText()).isIn("queued", "in_progress");
        assertThat(response.path("background").asBoolean()).isTrue();
        assertThat(response.path("model").asText()).isEqualTo("echo");
        assertThat(response.path("output")).isEmpty();
        JsonNode done = awaitEnd(response);
        assertThat(done.path("status").asText()).isEqualTo("completed");
        assertThat(done.path("id")).isEqualTo(response.path("id"));
        assertThat(done.path("created_at")).isEqualTo(response.path("created_at"));
        assertThat(done.at("/output/0/content/0/text").asText()).isEqualTo("one two");
        assertThat(done.at("/usage/total_tokens").asInt()).isEqualTo(4);
    }

    @Test
    void aBackgroundResponseNeedsNoReader() throws Exception {
        try (TestChat hasty = TestChat.start("--cancel-unattended", "3s")) {
            HttpResponse<String> begun = post(hasty, background("delay_ms", 5000));
            URI stream = hasty.accepted(hasty.get(path(ok(begun)) + "?stream=true"));
            JsonNode status = await().atMost(Duration.ofSeconds(60))
                    .until(
                            () -> Json.parse(
                                    hasty.get(stream.getPath() + "/status").body()),
                            now -> !now.path("ended").isNull());

            assertThat(status.path("state").asText()).isEqualTo("completed");
        }
    }

    @Test
    void aQueuedBackgroundResponseNeedsNoReader() throws Exception {
        try (TestChat hasty = TestChat.start("--max-running", "1", "--cancel-unattended", "3s")) {
            ok(post(hasty, background("delay_ms", 3000)));
            JsonNode queued = ok(post(hasty, background("delay_ms", 0)));
            JsonNode ended = await().pollDelay(Duration.ofSeconds(5))
                    .atMost(Duration.ofSeconds(60))
                    .until(
                            () -> ok(hasty.get(path(queued))),
                            now -> now.hasNonNull("completed_at")
                                    || !now.path("status").asText().matches("queued|in_progress"));

            assertThat(ended.path("status").asText()).isEqualTo("completed");
        }
    }

    @Test
    void aQueuedResponseShowsWhatWasRequested() throws Exception {
        try (TestChat busy = TestChat.start("--max-running", "1")) {
            ok(post(busy, background("delay_ms", 60_000)));
            JsonNode queued = ok(post(busy, background("colour", "red").put("instructions", "Wait.")));
            JsonNode retrieved = ok(busy.get(path(queued)));

            assertThat(retrieved.path("status").asText()).isEqualTo("queued");
            assertThat(retrieved).isEqualTo(queued);
            assertThat(retrieved.at("/metadata/colour").asText()).isEqualTo("red");

            String cancel = path(queued) + "/cancel";
            JsonNode cancelled =
                    ok(busy.send(TestChat.request(busy.url(cancel)).POST(HttpRequest.BodyPublishers.noBody())));
            assertThat(cancelled.path("status").asText()).isEqualTo("cancelled");
            URI stream = busy.accepted(busy.get(path(queued) + "?stream=true"));
            try (EventReader reader = busy.read(stream)) {
                List<JsonNode> events = events(reader.rest());
                assertThat(types(events)).containsExactly("response.cancelled");
                assertNoGap(events);
            }
        }
    }

    @Test
    void aCancelledResponseEndsWithItsOwnEvent() throws Exception {
        JsonNode response = begin(background("delay_ms", 60_000));
        try (EventReader reader = chat.read(chat.accepted(chat.get(path(response) + "?stream=true")))) {
            List<Frame> frames = new ArrayList<>(List.of(reader.next().orElseThrow()));
            JsonNode cancelled = ok(cancel(response));
            frames.addAll(reader.rest());

            assertThat(cancelled.path("status").asText()).isEqualTo("cancelled");
            List<JsonNode> events = events(frames);
            assertNoGap(events);
            JsonNode last = events.get(events.size() - 1);
            assertThat(last.path("type").asText()).isEqualTo("response.cancelled");
            assertThat(last.path("response")).isEqualTo(cancelled);
        }
        assertThat(ok(cancel(response))).isEqualTo(ok(chat.get(path(response))));
    }

    @Test
    void aFailedResponseEndsWithItsOwnEvent() throws Exception {
        JsonNode response = begin(background("delay_ms", 0, "fail_after", 1));
        JsonNode failed = awaitEnd(response);
        List<JsonNode> events = retrieve(response, null);

        assertThat(failed.path("status").asText()).isEqualTo("failed");
        assertThat(failed.at("/error/code").asText()).isEqualTo("server_error");
        assertThat(failed.at("/error/message").asText()).contains("echo failed after 1 words");
        assertThat(failed.at("/output/0/content/0/text").asText()).isEqualTo("one ");
        assertNoGap(events);
        assertThat(events.get(events.size() - 1).path("type").asText()).isEqualTo("response.failed");
        assertThat(events.get(events.size() - 1).path("response")).isEqualTo(failed);
    }

    @Test
    void aClientThatWaitsGetsAnErrorIfTheModelFails() throws Exception {
        URI document = chat.accepted(post(chat, ask("delay_ms", 0, "fail_after", 1)));

        assertThat(error(chat.get(document.getPath()), 500).path("code").asText())
                .isEqualTo("echo_failed");
    }

    @Test
    void aLimitMakesAResponseIncomplete() throws Exception {
        JsonNode response = begin(background("delay_ms", 0).put("max_output_tokens", 1));
        JsonNode done = awaitEnd(response);

        assertThat(done.path("status").asText()).isEqualTo("incomplete");
        assertThat(done.at("/incomplete_details/reason").asText()).isEqualTo("max_output_tokens");
        assertThat(done.at("/output/0/content/0/text").asText()).isEqualTo("one ");
        List<JsonNode> events = retrieve(response, null);
        assertThat(events.get(events.size() - 1).path("type").asText()).isEqualTo("response.incomplete");
    }

    @Test
    void onlyARunningBackgroundResponseCanBeCancelled() throws Exception {
        JsonNode foreground =
                ok(chat.get(chat.accepted(post(chat, ask("delay_ms", 0))).getPath()));
        JsonNode ended = awaitEnd(begin(background("delay_ms", 0)));

        assertThat(error(cancel(foreground), 400).path("message").asText()).contains("synchronous");
        assertThat(error(cancel(ended), 400).path("message").asText()).contains("completed");
    }

    @Test
    void aDeletedResponseIsNotFound() throws Exception {
        JsonNode response = begin(background("delay_ms", 60_000));
        JsonNode deleted = ok(chat.delete(chat.url(path(response))));

        assertThat(deleted.path("id")).isEqualTo(response.path("id"));
        assertThat(deleted.path("object").asText()).isEqualTo("response.deleted");
        assertThat(deleted.path("deleted").asBoolean()).isTrue();
        error(chat.get(path(response)), 404);
        error(chat.get(path(response) + "?stream=true"), 404);
        error(cancel(response), 404);
        error(chat.delete(chat.url(path(response))), 404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"stream", "document"})
    void aResponseThatIsNotStoredIsNotFound(String kind) throws Exception {
        ObjectNode body = ask("delay_ms", 0).put("store", false).put("stream", kind.equals("stream"));
        HttpResponse<String> answer = chat.get(chat.accepted(post(chat, body)).getPath());
        String data = kind.equals("stream")
                ? Arrays.stream(answer.body().split("\n"))
                        .filter(line -> line.startsWith("data: "))
                        .findFirst()
                        .orElseThrow()
                        .substring(6)
                : answer.body();
        JsonNode response = kind.equals("stream") ? Json.parse(data).get("response") : Json.parse(data);

        assertThat(response.path("store").asBoolean(true)).isFalse();
        error(chat.get(path(response)), 404);
    }

    @Test
    void onlyTheOwnerFindsAResponse() throws Exception {
        Map<String, String> environment =
                Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key-of-ann,key-of-bob");
        try (TestChat guarded = TestChat.start(environment)) {
            String[] ann = {"Authorization", "Bearer key-of-ann"};
            String[] bob = {"Authorization", "Bearer key-of-bob"};
            String path = path(ok(post(guarded, background("delay_ms", 0), ann)));

            ok(guarded.get(path, ann));
            error(guarded.get(path, bob), 404);
            error(guarded.get(path + "?stream=true", bob), 404);
            error(guarded.send(TestChat.request(guarded.url(path), bob).DELETE()), 404);
            error(guarded.get(path), 401);
        }
    }

    @Test
    void theIdOfATaskIsNotEnoughToFindAResponse() throws Exception {
        String path = path(begin(background("delay_ms", 0)));
        String withoutProof = path.substring(0, path.length() - 16);

        for (String wrong : List.of(withoutProof, withoutProof + "AAAAAAAAAAAAAAAA", "/v1/responses/resp_1")) {
            error(chat.get(wrong), 404);
        }
        ok(chat.get(path));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            model                    | {"input":"x"}
            input                    | {"model":"echo"}
            input                    | {"model":"echo","input":[]}
            input                    | {"model":"echo","input":7}
            input                    | {"model":"echo","input":[{"role":"assistant","content":"x"}]}
            input[0]                 | {"model":"echo","input":["x"]}
            input[0].role            | {"model":"echo","input":[{"role":"king","content":"x"}]}
            input[0].content         | {"model":"echo","input":[{"role":"user"}]}
            input[0].type            | {"model":"echo","input":[{"type":"function_call","role":"user","content":"x"}]}
            input[0].content[0].type | {"model":"echo","input":[{"role":"user","content":[{"type":"input_image"}]}]}
            input[0].content[0].text | {"model":"echo","input":[{"role":"user","content":[{"type":"input_text","text":1}]}]}
            stream                   | {"model":"echo","input":"x","stream":"yes"}
            store                    | {"model":"echo","input":"x","store":1}
            background               | {"model":"echo","input":"x","background":true,"store":false}
            max_output_tokens        | {"model":"echo","input":"x","max_output_tokens":0}
            max_output_tokens        | {"model":"echo","input":"x","max_output_tokens":"many"}
            instructions             | {"model":"echo","input":"x","instructions":[]}
            metadata                 | {"model":"echo","input":"x","metadata":[]}
            metadata.colour          | {"model":"echo","input":"x","metadata":{"colour":1}}
            metadata.delay_ms        | {"model":"echo","input":"x","metadata":{"delay_ms":"soon"}}
            previous_response_id     | {"model":"echo","input":"x","previous_response_id":"resp_1"}
            """)
    void aBadParameterIsNamed(String param, String body) throws Exception {
        assertThat(error(post(chat, body), 400).path("param").asText()).isEqualTo(param);
    }

    @ParameterizedTest
    @ValueSource(strings = {"stream=yes", "stream=true&starting_after=-1", "stream=true&starting_after=99"})
    void aBadQueryIsRefused(String query) throws Exception {
        JsonNode response = awaitEnd(begin(background("delay_ms", 0)));

        assertThat(error(chat.get(path(response) + '?' + query), 400)
                        .path("param")
                        .asText())
                .isIn("stream", "starting_after");
    }

    @Test
    void otherMethodsAreNotAllowed() throws Exception {
        error(chat.get("/v1/responses"), 405);
        error(chat.get("/v1/responses/resp_1/cancel"), 405);
        error(chat.get("/v1/responses/resp_1/other"), 404);
    }

    @Test
    void aRepeatedRequestJoinsTheFirst() throws Exception {
        ObjectNode body = background("delay_ms", 0);
        JsonNode first = ok(post(chat, body, "Idempotency-Key", "responses-1"));
        JsonNode second = ok(post(chat, body, "Idempotency-Key", "responses-1"));

        assertThat(second.path("id")).isEqualTo(first.path("id"));
        assertThat(second.path("created_at")).isEqualTo(first.path("created_at"));
    }
}
