// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatStreamTest {

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    @Test
    void aRequestIsAnsweredWithARedirectThatIsNotCachedAndNotRetried() throws Exception {
        HttpResponse<String> response = chat.post(TestChat.ask(true, "one"));

        assertThat(response.statusCode()).isEqualTo(303);
        assertThat(response.headers().firstValue("Location").orElseThrow()).startsWith("/events/");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(response.headers().firstValue("x-should-retry")).contains("false");
        assertThat(response.headers().firstValue("x-request-id").orElseThrow()).startsWith("req_");
        String token = response.headers().firstValue("Location").orElseThrow().substring("/events/".length());
        assertThat(response.body()).doesNotContain(token);
    }

    @Test
    void chunksComeInOrderAndAddUpToTheMessage() {
        List<Frame> frames;
        try (EventReader reader = chat.read(chat.begin(TestChat.ask(true, "one two three")))) {
            frames = reader.rest();
        }

        assertThat(frames).hasSize(6);
        JsonNode first = frames.get(0).json();
        assertThat(first.at("/choices/0/delta").toString()).isEqualTo("{\"role\":\"assistant\",\"content\":\"\"}");
        assertThat(frames.subList(1, 4)).extracting(Frame::text).containsExactly("one ", "two ", "three");
        assertThat(frames.get(4).json().at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(frames.get(4).json().at("/choices/0/delta").isEmpty()).isTrue();
        assertThat(frames.get(5).data()).isEqualTo("[DONE]");
        assertThat(frames).extracting(Frame::type).containsOnlyNulls();
        for (Frame frame : frames.subList(0, 5)) {
            JsonNode chunk = frame.json();
            assertThat(chunk.get("object").asText()).isEqualTo("chat.completion.chunk");
            assertThat(chunk.get("id")).isEqualTo(first.get("id"));
            assertThat(chunk.get("created")).isEqualTo(first.get("created"));
            assertThat(chunk.get("model").asText()).isEqualTo("echo");
            assertThat(chunk.has("usage")).isFalse();
        }
        for (Frame frame : frames.subList(0, 4)) {
            assertThat(frame.json().at("/choices/0/finish_reason").isNull()).isTrue();
        }
    }

    @Test
    void usageComesLastIfItIsAskedFor() {
        var request = TestChat.ask(true, "one two three", "delay_ms", 0);
        request.putObject("stream_options").put("include_usage", true);

        List<Frame> frames;
        try (EventReader reader = chat.read(chat.begin(request))) {
            frames = reader.rest();
        }

        assertThat(frames).hasSize(7);
        for (Frame frame : frames.subList(0, 5)) {
            assertThat(frame.json().get("usage").isNull()).isTrue();
        }
        JsonNode last = frames.get(5).json();
        assertThat(last.get("choices").isEmpty()).isTrue();
        assertThat(last.get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":3,\"completion_tokens\":3,\"total_tokens\":6}");
    }

    @Test
    void theFirstWordArrivesWhileTheRestIsStillToBeSaid() throws Exception {
        URI stream = chat.begin(TestChat.ask(true, "one two three four five", "delay_ms", 150));
        try (EventReader reader = chat.read(stream)) {
            assertThat(EventReader.text(reader.untilText())).isEqualTo("one ");

            JsonNode status = Json.parse(chat.get(stream.getPath() + "/status").body());

            assertThat(status.get("state").asText()).isEqualTo("running");
            assertThat(status.get("events").asInt()).isLessThan(6);
            assertThat(EventReader.text(reader.rest())).isEqualTo("two three four five");
        }
    }

    @Test
    void repeatedMessagesAreJoinedByOneSpaceAndAllWhiteSpaceIsKept() {
        String text = "  one\n two\t\u00e4\u20ac\ud83d\ude00  ";
        URI stream = chat.begin(TestChat.ask(true, text, "delay_ms", 0, "repeat", 3));
        try (EventReader reader = chat.read(stream)) {
            assertThat(EventReader.text(reader.rest())).isEqualTo(text + ' ' + text + ' ' + text);
        }
    }

    @Test
    void theAnswerIsToTheLastMessageOfTheUserInAllItsParts() {
        var request = TestChat.ask(true, "first", "delay_ms", 0);
        request.withArray("messages").addObject().put("role", "assistant").putNull("content");
        var parts =
                request.withArray("messages").addObject().put("role", "user").putArray("content");
        parts.addObject().put("type", "text").put("text", "one ");
        parts.addObject().put("type", "text").put("text", "two");
        request.withArray("messages").addObject().put("role", "system").put("content", "be brief");
        try (EventReader reader = chat.read(chat.begin(request))) {
            assertThat(EventReader.text(reader.rest())).isEqualTo("one two");
        }
    }

    @Test
    void aFormFromCurlIsReadAsTheJsonItIs() {
        HttpResponse<String> response = chat.send(TestChat.request(chat.url("/v1/chat/completions"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(TestChat.ask(true, "gr\u00fcn & blau=1 %41+", "delay_ms", 0)
                        .toString())));
        try (EventReader reader = chat.read(chat.accepted(response))) {
            assertThat(EventReader.text(reader.rest())).isEqualTo("gr\u00fcn & blau=1 %41+");
        }
    }

    @Test
    void itCanBeResumedAfterEachEventAtTheStreamAndAtTheStart() {
        String body = TestChat.ask(true, "one two three", "delay_ms", 0).toString();
        URI stream = chat.begin(body);
        List<Frame> all;
        try (EventReader reader = chat.read(stream)) {
            all = reader.rest();
        }
        for (int k = 0; k < all.size() - 1; k++) {
            String last = all.get(k).id();
            List<Frame> rest = all.subList(k + 1, all.size());
            try (EventReader reader = chat.read(stream, "Last-Event-ID", last)) {
                assertThat(reader.rest()).isEqualTo(rest);
            }
            try (EventReader reader = chat.read(chat.begin(body, "Last-Event-ID", last))) {
                assertThat(reader.rest()).isEqualTo(rest);
            }
            URI resumed = chat.accepted(chat.get("/v1/chat/completions", "Last-Event-ID", last));
            try (EventReader reader = chat.read(resumed)) {
                assertThat(reader.rest()).isEqualTo(rest);
            }
        }
        String end = all.get(all.size() - 1).id();
        assertThat(chat.get(stream.getPath(), "Last-Event-ID", end).statusCode())
                .isEqualTo(204);
    }

    @Test
    void aReaderThatLeavesInMidAnswerCanComeBackForTheRest() {
        URI stream = chat.begin(TestChat.ask(true, "one two three four", "delay_ms", 50));
        List<Frame> seen;
        try (EventReader reader = chat.read(stream)) {
            seen = reader.untilText();
        }
        try (EventReader reader =
                chat.read(stream, "Last-Event-ID", seen.get(seen.size() - 1).id())) {
            assertThat(EventReader.text(seen) + EventReader.text(reader.rest())).isEqualTo("one two three four");
        }
    }

    @Test
    void twoReadersSeeTheSame() {
        URI stream = chat.begin(TestChat.ask(true, "one two three", "delay_ms", 50));
        CompletableFuture<List<Frame>> other = CompletableFuture.supplyAsync(() -> {
            try (EventReader reader = chat.read(stream)) {
                return reader.rest();
            }
        });
        try (EventReader reader = chat.read(stream)) {
            assertThat(reader.rest()).hasSize(6).isEqualTo(other.join());
        }
    }

    @Test
    @DisplayName(
            "R8: a failed answer ends with its error and an aborted connection, and a client that returns gets 204")
    void aFailureIsAnErrorEventAndAnAbort() {
        URI stream = chat.begin(TestChat.ask(true, "one two three", "fail_after", 2));
        List<Frame> frames;
        try (EventReader reader = RawHttp.read(stream)) {
            frames = reader.untilAbort();
        }
        assertThat(frames).hasSize(4);
        assertThat(EventReader.text(frames)).isEqualTo("one two ");
        assertThat(frames.get(3).type()).isEqualTo("error");
        JsonNode error = frames.get(3).json().get("error");
        assertThat(error.get("message").asText()).contains("after 2 words");
        assertThat(error.get("type").asText()).isEqualTo("server_error");
        assertThat(error.get("param").isNull()).isTrue();
        assertThat(error.get("code").asText()).isEqualTo("echo_failed");

        HttpResponse<String> returning =
                chat.get(stream.getPath(), "Last-Event-ID", frames.get(3).id());
        assertThat(returning.statusCode()).isEqualTo(204);
    }

    @Test
    @DisplayName("R8: in the format of OpenAI only a failed end aborts the connection")
    void onlyAWholeAnswerEndsCleanly() {
        OpenAiFormat format = new OpenAiFormat();
        End failed = End.failed(new Problem(502, "upstream_cut", "The upstream's answer was cut."));

        assertThat(format.frames(failed)).extracting(StreamFormat.Frame::type).containsExactly("error");
        assertThat(format.endsCleanly(failed)).isFalse();
        for (End whole : List.of(End.completed(null), End.cancelled())) {
            assertThat(format.frames(whole))
                    .extracting(StreamFormat.Frame::data)
                    .containsExactly("[DONE]");
            assertThat(format.endsCleanly(whole)).isTrue();
        }
    }

    @Test
    void aFailureInTheStandardFormatIsAProblem() throws Exception {
        Map<String, String> environment = Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key");
        try (TestChat guarded = TestChat.start(environment)) {
            HttpResponse<String> response =
                    guarded.post(TestChat.ask(false, "one two three", "fail_after", 1), "Authorization", "Bearer key");
            guarded.get(guarded.accepted(response).getPath());
            String task = Json.parse(response.body()).get("task").asText();

            // A client that resumes reads events, and this task has none in the form of OpenAI.
            URI stream = guarded.accepted(
                    guarded.get("/v1/chat/completions", "Last-Event-ID", task + ":0", "Authorization", "Bearer key"));
            try (EventReader reader = guarded.read(stream)) {
                List<Frame> frames = reader.rest();

                assertThat(frames).hasSize(2);
                assertThat(frames.get(0).text()).isEqualTo("one ");
                assertThat(frames.get(1).type()).isEqualTo("failed");
                assertThat(frames.get(1).json().get("code").asText()).isEqualTo("echo_failed");
                assertThat(frames.get(1).json().get("status").asInt()).isEqualTo(500);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("the redirect and the answer that it leads to have the same x-request-id")
    void theAnswerHasTheRequestIdOfTheRedirect(boolean stream) throws Exception {
        HttpResponse<String> redirect = chat.post(TestChat.ask(stream, "one", "delay_ms", 0));
        String id = redirect.headers().firstValue("x-request-id").orElseThrow();
        HttpResponse<String> answer = chat.get(chat.accepted(redirect).getPath());

        assertThat(redirect.headers().allValues("x-request-id")).hasSize(1);
        assertThat(id)
                .isEqualTo("req_" + Json.parse(redirect.body()).get("task").asText());
        assertThat(answer.headers().allValues("x-request-id")).containsExactly(id);
    }

    @Test
    void aDeleteInMidAnswerEndsItAtOnceAndInGoodOrder() {
        URI stream = chat.begin(TestChat.ask(true, "one two", "delay_ms", 100, "repeat", 1000));
        try (EventReader reader = chat.read(stream)) {
            reader.untilText();

            assertThat(chat.delete(stream).statusCode()).isEqualTo(202);

            List<Frame> rest = reader.rest();
            assertThat(rest).hasSizeBetween(2, 20);
            JsonNode finish = rest.get(rest.size() - 2).json();
            assertThat(finish.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(finish.at("/handoff/cancelled").asBoolean()).isTrue();
            assertThat(rest.get(rest.size() - 1).isDone()).isTrue();
        }
        assertThat(chat.delete(stream).statusCode()).isEqualTo(202);
    }

    @Test
    void aDeleteEndsAPauseAtOnce() {
        URI stream = chat.begin(TestChat.ask(true, "one", "delay_ms", 60_000));
        try (EventReader reader = chat.read(stream)) {
            reader.next();
            chat.delete(stream);
            assertThat(reader.rest()).hasSize(2);
        }
        await().until(() -> Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .noneMatch(f -> f.getClassName().equals(EchoModel.class.getName())));
    }

    @Test
    @DisplayName("R9: an answer without readers is cancelled after the configured time, and others continue")
    void anAnswerWithoutReadersIsCancelled() throws Exception {
        try (TestChat own = TestChat.start("--cancel-unattended", "3s")) {
            URI left = own.begin(TestChat.ask(true, "one two", "repeat", 10_000));
            URI read = own.begin(TestChat.ask(true, "three four", "repeat", 10_000));
            URI neverOpened = own.begin(TestChat.ask(true, "five six", "repeat", 10_000));
            try (EventReader reader = own.read(read)) {
                try (EventReader leaving = own.read(left)) {
                    leaving.untilText();
                }
                assertThat(state(own, neverOpened)).isEqualTo("running");

                await().atMost(Duration.ofSeconds(20)).until(() -> state(own, left), "cancelled"::equals);
                await().atMost(Duration.ofSeconds(20)).until(() -> state(own, neverOpened), "cancelled"::equals);
                assertThat(reader.untilText()).isNotEmpty();
                assertThat(state(own, read)).isEqualTo("running");
            }
        }
    }

    private static String state(TestChat server, URI stream) throws Exception {
        return Json.parse(server.get(stream.getPath() + "/status").body())
                .get("state")
                .asText();
    }

    @Test
    void theSameIdempotencyKeyIsTheSameAnswer() throws Exception {
        String body = TestChat.ask(true, "one two three", "delay_ms", 20).toString();
        HttpResponse<String> first = chat.post(body, "Idempotency-Key", "\"once\"");
        HttpResponse<String> second = chat.post(body, "Idempotency-Key", "\"once\"");

        assertThat(Json.parse(second.body()).get("task"))
                .isEqualTo(Json.parse(first.body()).get("task"));
        try (EventReader one = chat.read(chat.accepted(first));
                EventReader other = chat.read(chat.accepted(second))) {
            assertThat(one.rest()).hasSize(6).isEqualTo(other.rest());
        }
    }

    @Test
    @DisplayName("a retry that the SDK has marked joins the answer of the first request")
    void aMarkedRetryIsTheSameAnswer() throws Exception {
        String body = TestChat.ask(true, "one retry", "delay_ms", 20).toString();
        HttpResponse<String> first = chat.post(body, "X-Stainless-Retry-Count", "0");
        HttpResponse<String> retry = chat.post(body, "X-Stainless-Retry-Count", "1");
        HttpResponse<String> other = chat.post(body, "X-Stainless-Retry-Count", "0");

        String task = Json.parse(first.body()).get("task").asText();
        assertThat(Json.parse(retry.body()).get("task").asText()).isEqualTo(task);
        assertThat(Json.parse(other.body()).get("task").asText()).isNotEqualTo(task);
        try (EventReader reader = chat.read(chat.accepted(retry))) {
            assertThat(EventReader.text(reader.rest())).isEqualTo("one retry");
        }
    }

    @Test
    void theSameIdempotencyKeyForAnotherRequestIsRefused() throws Exception {
        chat.begin(TestChat.ask(true, "one"), "Idempotency-Key", "twice");
        HttpResponse<String> other = chat.post(TestChat.ask(true, "two"), "Idempotency-Key", "twice");

        assertThat(other.statusCode()).isEqualTo(422);
        JsonNode error = Json.parse(other.body()).get("error");
        assertThat(error.get("type").asText()).isEqualTo("invalid_request_error");
        assertThat(error.get("code").asText()).isEqualTo("idempotency_key_reused");
        assertThat(other.headers().firstValue("x-should-retry")).contains("false");
    }

    @Test
    void aBadLastEventIdIsRefused() throws Exception {
        URI stream = chat.begin(TestChat.ask(true, "one", "delay_ms", 0));
        HttpResponse<String> atStream = chat.get(stream.getPath(), "Last-Event-ID", "nonsense");
        HttpResponse<String> atStart = chat.post(TestChat.ask(true, "one"), "Last-Event-ID", "nonsense");

        for (HttpResponse<String> response : List.of(atStream, atStart)) {
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(Json.parse(response.body()).at("/error/code").asText()).isEqualTo("invalid_last_event_id");
        }
    }

    @Test
    void aClientThatAsksForItIsGivenTheAddressOfTheStream() throws Exception {
        HttpResponse<String> response = chat.post(TestChat.ask(true, "one"), "Prefer", "respond-async");

        assertThat(response.statusCode()).isEqualTo(202);
        String stream = Json.parse(response.body()).get("streamUrl").asText();
        try (EventReader reader = chat.read(chat.url(stream))) {
            assertThat(EventReader.text(reader.rest())).isEqualTo("one");
        }
    }

    @Test
    void noFinishReasonIsSaidWhenTheServerStops() {
        TestChat own = TestChat.start();
        try (EventReader reader = own.read(own.begin(TestChat.ask(true, "one two", "repeat", 1000)))) {
            reader.untilText();
            own.close();

            List<Frame> rest = new ArrayList<>();
            assertThatThrownBy(() -> {
                        for (Optional<Frame> f = reader.next(); f.isPresent(); f = reader.next()) {
                            rest.add(f.get());
                        }
                    })
                    .isInstanceOf(UncheckedIOException.class);
            Frame last = rest.remove(rest.size() - 1);
            assertThat(last.type()).isEqualTo("error");
            assertThat(last.json().at("/error/code").asText()).isEqualTo("interrupted");
            assertThat(rest)
                    .allMatch(f -> f.json().at("/choices/0/finish_reason").isNull());
        }
    }

    @Test
    void aServerWithoutRoomSaysSoAndIsWorthAnotherTry() throws Exception {
        try (TestChat small = TestChat.start("--max-running", "1", "--max-waiting", "3")) {
            Optional<HttpResponse<String>> refused = Optional.empty();
            for (int i = 0; i < 5 && refused.isEmpty(); i++) {
                HttpResponse<String> response = small.post(TestChat.ask(true, "one", "delay_ms", 60_000));
                refused = Optional.of(response).filter(r -> r.statusCode() != 303);
            }
            HttpResponse<String> response = refused.orElseThrow();
            assertThat(response.statusCode()).isEqualTo(503);
            assertThat(response.headers().firstValue("Retry-After")).isPresent();
            assertThat(response.headers().firstValue("x-should-retry")).contains("true");
            assertThat(Json.parse(response.body()).at("/error/code").asText()).isEqualTo("overloaded");
        }
    }
}
