// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients see when an upstream fails in one of many ways. */
@Timeout(120)
class UpstreamFaultsTest {

    private static final String END = chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    private static final String ERROR =
            "{\"error\":{\"message\":\"no way\",\"type\":\"x\",\"param\":null,\"code\":\"bad_luck\"}}";
    private static final String JSON = "Content-Type: application/json\r\n";

    private static String chunk(String delta, String finishReason) {
        return "data: {\"id\":\"c1\",\"created\":7,\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":" + delta
                + ",\"finish_reason\":" + finishReason + "}]}\n\n";
    }

    private static String text(String text) {
        return chunk("{\"content\":\"" + text + "\"}", "null");
    }

    private static FakeUpstream.Script whole(String text) {
        return exchange -> exchange.stream().write(text(text) + END);
    }

    private static FakeUpstream.Script refuse(String status, String head) {
        return exchange -> exchange.answer(status, JSON + head, ERROR);
    }

    private static TestChat start(FakeUpstream upstream, String... options) {
        return TestChat.start(
                Map.of(
                        "HANDOFF_SECRET",
                        TestChat.SECRET,
                        "OPENAI_BASE_URL",
                        upstream.url(),
                        "OPENAI_API_KEY",
                        "upstream-key"),
                options);
    }

    private static Object ask(boolean stream) {
        return TestChat.ask(stream, "hello").put("model", "tiny");
    }

    /** Returns the answer to a request for a document. */
    private static HttpResponse<String> document(TestChat chat) {
        return chat.get(chat.begin(ask(false)).getPath());
    }

    /** Returns the events of a stream whose connection must be aborted after an error. */
    private static List<Frame> failed(TestChat chat) {
        try (EventReader reader = RawHttp.read(chat.begin(ask(true)))) {
            List<Frame> frames = reader.untilAbort();
            assertThat(frames.get(frames.size() - 1).type()).isEqualTo("error");
            assertThat(frames).noneMatch(Frame::isDone);
            return frames;
        }
    }

    private static JsonNode error(List<Frame> frames) {
        return frames.get(frames.size() - 1).json().get("error");
    }

    private static JsonNode error(HttpResponse<String> response) throws IOException {
        return Json.parse(response.body()).get("error");
    }

    @ParameterizedTest
    @DisplayName("an answer with an error status becomes an error that says who has to correct something")
    @CsvSource({
        "400,400,invalid_request_error,bad_luck",
        "401,502,server_error,upstream_unauthorized",
        "403,403,permission_error,bad_luck",
        "404,404,invalid_request_error,bad_luck",
        "405,502,server_error,bad_luck",
        "407,502,server_error,upstream_unauthorized",
        "413,413,invalid_request_error,bad_luck",
        "422,422,invalid_request_error,bad_luck",
        "501,502,server_error,bad_luck",
        "204,502,server_error,upstream_error",
        "304,502,server_error,upstream_error"
    })
    void refusals(int status, int shown, String type, String code) throws Exception {
        FakeUpstream.Script script = status < 400
                ? exchange -> exchange.write("HTTP/1.1 " + status + " x\r\nConnection: close\r\n\r\n")
                : refuse(status + " x", "");
        try (FakeUpstream upstream = FakeUpstream.start(script);
                TestChat chat = start(upstream)) {
            HttpResponse<String> document = document(chat);

            assertThat(document.statusCode()).isEqualTo(shown);
            assertThat(document.headers().firstValue("x-should-retry")).contains("false");
            assertThat(error(document).get("type").asText()).isEqualTo(type);
            assertThat(error(document).get("code").asText()).isEqualTo(code);
            JsonNode inStream = error(failed(chat));
            assertThat(inStream).isEqualTo(error(document));
            assertThat(upstream.requests()).hasSize(2);
        }
    }

    @ParameterizedTest
    @DisplayName("an answer of 429 or 5xx is asked for again, up to two times")
    @CsvSource({"429,429,rate_limit_error", "500,502,server_error", "502,502,server_error", "503,502,server_error"})
    void passingRefusals(int status, int shown, String type) throws Exception {
        FakeUpstream.Script refusal = refuse(status + " x", "retry-after-ms: 20\r\n");
        try (FakeUpstream upstream = FakeUpstream.start(refusal, refusal, whole("hello"), refusal);
                TestChat chat = start(upstream)) {
            assertThat(Json.parse(document(chat).body())
                            .at("/choices/0/message/content")
                            .asText())
                    .isEqualTo("hello");
            assertThat(upstream.requests()).hasSize(3);

            HttpResponse<String> refused = document(chat);
            assertThat(refused.statusCode()).isEqualTo(shown);
            assertThat(error(refused).get("type").asText()).isEqualTo(type);
            assertThat(error(refused).get("code").asText()).isEqualTo("bad_luck");
            assertThat(upstream.requests()).hasSize(6);
        }
    }

    static Stream<String> longWaits() {
        return Stream.of(
                "Retry-After: 60\r\n",
                "Date: Fri, 27 Nov 2026 10:00:00 GMT\r\nRetry-After: Fri, 27 Nov 2026 10:01:00 GMT\r\n");
    }

    @ParameterizedTest
    @DisplayName(
            "the server tells the client when to retry if the upstream asks for a longer wait than the server accepts")
    @MethodSource("longWaits")
    void longWaitsAreLeftToTheClient(String field) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(refuse("429 x", field));
                TestChat chat = start(upstream)) {
            HttpResponse<String> refused = document(chat);

            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.headers().firstValue("Retry-After")).contains("60");
            assertThat(error(refused).get("message").asText()).isEqualTo("no way (Retry after 60 s.)");
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    @DisplayName("the server waits as long as Retry-After says, in seconds or until a date")
    void shortWaitsAreKept() throws Exception {
        ZonedDateTime now = ZonedDateTime.now(ZoneOffset.UTC);
        String date = "Date: " + DateTimeFormatter.RFC_1123_DATE_TIME.format(now) + "\r\nRetry-After: "
                + DateTimeFormatter.RFC_1123_DATE_TIME.format(now.plusSeconds(1)) + "\r\n";
        try (FakeUpstream upstream = FakeUpstream.start(
                        refuse("429 x", "Retry-After: 1\r\n"), refuse("503 x", date), whole("hello"));
                TestChat chat = start(upstream)) {
            long began = System.nanoTime();

            assertThat(document(chat).statusCode()).isEqualTo(200);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofMillis(1900));
            assertThat(upstream.requests()).hasSize(3);
        }
    }

    @ParameterizedTest
    @DisplayName("an upstream that says that a retry does not help is not called again")
    @ValueSource(strings = {"x-should-retry: false\r\n", "quota"})
    void uselessRetries(String how) throws Exception {
        String quota = "{\"error\":{\"message\":\"no money\",\"code\":\"insufficient_quota\"}}";
        try (FakeUpstream upstream = FakeUpstream.start(
                        how.equals("quota")
                                ? exchange -> exchange.answer("429 x", JSON, quota)
                                : refuse("503 x", how));
                TestChat chat = start(upstream)) {
            assertThat(document(chat).statusCode()).isGreaterThanOrEqualTo(429);
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    static Stream<FakeUpstream.Script> cutBeforeTheFirstEvent() {
        return Stream.of(
                exchange -> {},
                exchange -> exchange.write("HTTP/1.1 200 OK\r\n"),
                FakeUpstream.Exchange::stream,
                FakeUpstream.Exchange::chunked,
                exchange -> exchange.stream().write(": ping\n\n"),
                exchange -> exchange.chunked().part("data: {\"id\":"));
    }

    @ParameterizedTest
    @DisplayName("a call that is cut before its first event is repeated")
    @MethodSource("cutBeforeTheFirstEvent")
    void cutsBeforeTheFirstEvent(FakeUpstream.Script cut) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(cut, whole("hello"));
                TestChat chat = start(upstream)) {
            assertThat(Json.parse(document(chat).body())
                            .at("/choices/0/message/content")
                            .asText())
                    .isEqualTo("hello");
            assertThat(upstream.requests()).hasSize(2);
        }
    }

    @Test
    @DisplayName("three calls that are cut before their first event are an error")
    void threeCutsBeforeTheFirstEvent() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(FakeUpstream.Exchange::chunked);
                TestChat chat = start(upstream)) {
            HttpResponse<String> failed = document(chat);

            assertThat(failed.statusCode()).isEqualTo(502);
            assertThat(error(failed).get("code").asText()).isEqualTo("upstream_cut");
            assertThat(upstream.requests()).hasSize(3);
        }
    }

    /** Writes a text, and the next bytes after a client has seen it. The JDK's client drops what a cut follows at once. */
    private static FakeUpstream.Exchange begin(FakeUpstream.Exchange exchange)
            throws IOException, InterruptedException {
        exchange.chunked().part(text("one "));
        assertThat(exchange.released().await(20, TimeUnit.SECONDS)).isTrue();
        return exchange;
    }

    static Stream<FakeUpstream.Script> cutInMidAnswer() {
        return Stream.of(
                UpstreamFaultsTest::begin,
                exchange -> begin(exchange).part("data: {\"id\":\"c1\""),
                exchange -> begin(exchange).write("0\r\n\r\n"),
                exchange -> begin(exchange).part("data: {\"id\":\"c1\"").write("0\r\n\r\n"),
                exchange -> begin(exchange).part("data: [DONE]").write("0\r\n\r\n"),
                exchange -> begin(exchange).part("data: [DONE]\n\n").write("0\r\n\r\n"),
                exchange -> begin(exchange)
                        .part("data: {\"choices\":[],\"usage\":{}}\n\n")
                        .write("0\r\n\r\n"));
    }

    @ParameterizedTest
    @DisplayName("an answer without a finish reason is cut, is not asked for again, and never is a whole one")
    @MethodSource("cutInMidAnswer")
    void cutsInMidAnswer(FakeUpstream.Script cut) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(cut);
                TestChat chat = start(upstream)) {
            try (EventReader reader = RawHttp.read(chat.begin(ask(true)))) {
                assertThat(EventReader.text(reader.untilText())).isEqualTo("one ");
                upstream.release();
                List<Frame> rest = reader.untilAbort();
                assertThat(rest).hasSizeBetween(1, 2).noneMatch(Frame::isDone);
                assertThat(error(rest).get("code").asText()).isEqualTo("upstream_cut");
            }
            assertThat(upstream.requests()).hasSize(1);

            HttpResponse<String> document = document(chat);
            assertThat(document.statusCode()).isEqualTo(502);
            assertThat(error(document).get("type").asText()).isEqualTo("server_error");
        }
    }

    @Test
    @DisplayName("an upstream that ignores n gives an answer with the choices that it has made")
    void ignoredNumberOfChoices() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(whole("hello"));
                TestChat chat = start(upstream)) {
            Object request = TestChat.ask(false, "hello").put("model", "tiny").put("n", 3);

            JsonNode answer = Json.parse(chat.get(chat.begin(request).getPath()).body());
            assertThat(answer.get("choices")).hasSize(1);
            assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        }
    }

    static Stream<FakeUpstream.Script> silences() {
        return Stream.of(
                FakeUpstream.Exchange::awaitClose,
                exchange -> exchange.stream().awaitClose(),
                exchange -> exchange.chunked().part(text("one ")).awaitClose());
    }

    @ParameterizedTest
    @DisplayName(
            "a silent upstream ends the answer with 504 after the time of --upstream-timeout, and its call is closed")
    @MethodSource("silences")
    void silence(FakeUpstream.Script silent) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(silent);
                TestChat chat = start(upstream, "--upstream-timeout", "300ms")) {
            JsonNode error = error(failed(chat));
            assertThat(error.get("code").asText()).isEqualTo("upstream_timeout");
            assertThat(error.get("message").asText()).isEqualTo("The upstream sent nothing for 300 milliseconds.");
            assertThat(upstream.left().await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(upstream.requests()).hasSize(1);

            HttpResponse<String> document = document(chat);
            assertThat(document.statusCode()).isEqualTo(504);
        }
    }

    @Test
    @DisplayName("an event that arrives slowly, byte by byte, is no silence")
    void slowDrip() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(exchange -> {
                    exchange.chunked();
                    for (char c : (text("one") + END).toCharArray()) {
                        exchange.part(String.valueOf(c));
                        // The pace of the upstream is what the test is about.
                        exchange.released().await(10, TimeUnit.MILLISECONDS);
                    }
                    exchange.write("0\r\n\r\n");
                });
                TestChat chat = start(upstream, "--upstream-timeout", "500ms")) {
            try (EventReader reader = chat.read(chat.begin(ask(true)))) {
                assertThat(EventReader.text(reader.rest())).isEqualTo("one");
            }
        }
    }

    static Stream<String> brokenChunks() {
        return Stream.of(
                "data: nonsense\n\n",
                "data: 5\n\n",
                "data: {\"a\":1} {\"b\":2}\n\n",
                "data: {\"a\":1\n\n",
                "data: " + "x".repeat(UpstreamEvents.MAX_CHARS + 1) + "\n\n",
                ":" + "x".repeat(UpstreamEvents.MAX_CHARS + 1) + "\n\n",
                ("data: " + "x".repeat(1 << 20) + '\n').repeat(5) + '\n');
    }

    @ParameterizedTest(name = "{index}")
    @DisplayName("a malformed or endless chunk ends the answer with an error")
    @MethodSource("brokenChunks")
    void brokenChunk(String broken) throws Exception {
        try (FakeUpstream upstream =
                        FakeUpstream.start(exchange -> exchange.stream().write(text("one ") + broken + END));
                TestChat chat = start(upstream)) {
            List<Frame> frames = failed(chat);
            assertThat(EventReader.text(frames)).isEqualTo("one ");
            assertThat(error(frames).get("code").asText()).isEqualTo("upstream_broken");
        }
    }

    @Test
    @DisplayName("a chunk of 3 million characters passes")
    void largeChunk() throws Exception {
        String large = "x".repeat(3_000_000);
        try (FakeUpstream upstream = FakeUpstream.start(whole(large));
                TestChat chat = start(upstream)) {
            try (EventReader reader = chat.read(chat.begin(ask(true)))) {
                assertThat(EventReader.text(reader.rest())).isEqualTo(large);
            }
        }
    }

    @ParameterizedTest
    @DisplayName("an error object in the stream ends the answer with its code, and with its status if it has one")
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"error\":{\"message\":\"no way\",\"code\":\"bad_luck\"}}|502|bad_luck",
                "{\"error\":{\"message\":\"no way\",\"code\":429}}|429|429",
                "{\"error\":{\"message\":\"no way\",\"code\":401}}|502|401",
                "{\"error\":\"no way\"}|502|upstream_error",
                "{\"object\":\"error\",\"message\":\"no way\",\"code\":400}|400|400"
            })
    void errorsInTheStream(String json, int status, String code) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(
                        exchange -> exchange.stream().write(text("one ") + "data: " + json + "\n\n" + END));
                TestChat chat = start(upstream)) {
            HttpResponse<String> document = document(chat);
            assertThat(document.statusCode()).isEqualTo(status);
            assertThat(error(document).get("message").asText()).isEqualTo("no way");
            assertThat(error(document).get("code").asText()).isEqualTo(code);
            assertThat(error(failed(chat))).isEqualTo(error(document));
        }
    }

    @Test
    @DisplayName("an error object with status 200 instead of a stream is an error")
    void errorWithStatus200() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(exchange -> exchange.answer("200 OK", JSON, ERROR));
                TestChat chat = start(upstream)) {
            assertThat(error(document(chat)).get("code").asText()).isEqualTo("bad_luck");
        }
    }

    @ParameterizedTest
    @DisplayName("an answer of another content type is an error")
    @ValueSource(strings = {JSON, "Content-Type: text/html\r\n", ""})
    void otherContentType(String field) throws Exception {
        try (FakeUpstream upstream =
                        FakeUpstream.start(exchange -> exchange.answer("200 OK", field, text("one") + END));
                TestChat chat = start(upstream)) {
            assertThat(error(failed(chat)).get("code").asText()).isEqualTo("upstream_broken");
            assertThat(document(chat).statusCode()).isEqualTo(502);
        }
    }

    @ParameterizedTest
    @DisplayName("a redirect is followed: 307 and 308 with the request, all others with a GET")
    @CsvSource({"301,GET", "302,GET", "303,GET", "307,POST", "308,POST"})
    void redirects(int status, String method) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(
                        exchange -> exchange.answer(status + " x", "Location: /v1/other?a=b\r\n", ""), whole("hello"));
                TestChat chat = start(upstream)) {
            assertThat(document(chat).statusCode()).isEqualTo(200);

            FakeUpstream.Request second = upstream.requests().get(1);
            assertThat(second.method()).isEqualTo(method);
            assertThat(second.target()).isEqualTo("/v1/other?a=b");
            assertThat(second.body().isEmpty()).isEqualTo(method.equals("GET"));
            assertThat(second.lines("Authorization")).containsExactly("Authorization: Bearer upstream-key");
        }
    }

    @ParameterizedTest
    @DisplayName("a redirect to another server does not send it the key of the upstream")
    @ValueSource(ints = {303, 307})
    void redirectsToAnotherServer(int status) throws Exception {
        try (FakeUpstream other = FakeUpstream.start(whole("hello"));
                FakeUpstream upstream = FakeUpstream.start(exchange ->
                        exchange.answer(status + " x", "Location: " + other.url() + "/chat/completions\r\n", ""));
                TestChat chat = start(upstream)) {
            assertThat(document(chat).statusCode()).isEqualTo(200);
            assertThat(other.requests().get(0).lines("Authorization")).isEmpty();
            assertThat(upstream.requests().get(0).lines("Authorization")).hasSize(1);
        }
    }

    @ParameterizedTest
    @DisplayName("redirects that go in a circle, or to another scheme, are errors")
    @ValueSource(strings = {"/v1/chat/completions", "ftp://127.0.0.1/", "file:///etc/hostname", "::", ""})
    void uselessRedirects(String location) throws Exception {
        try (FakeUpstream upstream =
                        FakeUpstream.start(exchange -> exchange.answer("303 x", "Location: " + location + "\r\n", ""));
                TestChat chat = start(upstream)) {
            HttpResponse<String> document = document(chat);
            assertThat(document.statusCode()).isEqualTo(502);
            assertThat(upstream.requests()).hasSizeLessThanOrEqualTo(6);
        }
    }

    @ParameterizedTest
    @DisplayName("a compressed answer is read, and a cut one is not a whole one")
    @CsvSource({"1.0,200", "0.5,502"})
    void gzip(double part, int status) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write((text("hello") + END).getBytes(StandardCharsets.UTF_8));
        }
        try (FakeUpstream upstream = FakeUpstream.start(exchange -> {
                    exchange.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                            + "Connection: close\r\n\r\n");
                    exchange.out().write(bytes.toByteArray(), 0, (int) (bytes.size() * part));
                    exchange.out().flush();
                });
                TestChat chat = start(upstream)) {
            assertThat(document(chat).statusCode()).isEqualTo(status);
            assertThat(upstream.requests().get(0).lines("Accept-Encoding"))
                    .containsExactly("Accept-Encoding: identity");
        }
    }

    @Test
    @DisplayName("an answer in a content encoding that nobody asked for is an error")
    void unknownContentEncoding() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(exchange -> exchange.answer(
                        "200 OK", "Content-Type: text/event-stream\r\nContent-Encoding: br\r\n", "xyz"));
                TestChat chat = start(upstream)) {
            assertThat(error(document(chat)).get("code").asText()).isEqualTo("upstream_broken");
        }
    }

    @ParameterizedTest
    @DisplayName(
            "a cancelled answer closes the call within a second: before the answer, before an event, between events")
    @MethodSource("silences")
    void cancelCloses(FakeUpstream.Script silent) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(silent);
                TestChat chat = start(upstream)) {
            URI stream = chat.begin(ask(true));
            await().until(() -> upstream.requests().size() == 1);

            assertThat(chat.delete(stream).statusCode()).isEqualTo(202);

            assertThat(upstream.left().await(1, TimeUnit.SECONDS)).isTrue();
            try (EventReader reader = chat.read(stream)) {
                List<Frame> frames = reader.rest();
                assertThat(frames.get(frames.size() - 1).isDone()).isTrue();
            }
        }
    }

    @Test
    @DisplayName("a cancelled answer is not asked for again after the wait between two calls")
    void cancelEndsTheWait() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(refuse("503 x", "Retry-After: 25\r\n"), whole("late"));
                TestChat chat = start(upstream)) {
            URI stream = chat.begin(ask(true));
            await().until(() -> upstream.requests().size() == 1);

            chat.delete(stream);

            await().atMost(5, TimeUnit.SECONDS)
                    .until(() -> Thread.getAllStackTraces().values().stream()
                            .flatMap(Stream::of)
                            .noneMatch(frame -> frame.getClassName().equals(UpstreamTries.class.getName())));
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    @DisplayName("an answer that nobody reads closes the call after the time of --cancel-unattended")
    void nobodyReads() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(
                        exchange -> exchange.chunked().part(text("one ")).awaitClose());
                TestChat chat = start(upstream, "--cancel-unattended", "3s", "--heartbeat", "100ms")) {
            try (EventReader reader = RawHttp.read(chat.begin(ask(true)))) {
                reader.untilText();
            }
            long began = System.nanoTime();

            assertThat(upstream.left().await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - began))
                    .isBetween(Duration.ofMillis(2000), Duration.ofMillis(8000));
        }
    }

    @Test
    @DisplayName(
            "chunks reach the client byte for byte: tool calls, reasoning, log probabilities, usage, unknown fields")
    void chunksAreNotTouched() throws Exception {
        List<String> chunks = List.of(
                "{\"id\":\"c1\", \"created\":7 ,\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":"
                        + "{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"h\\u00e4\"}}]}",
                "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83d\"},\"logprobs\":{\"content\":[{\"token\":\"a\","
                        + "\"logprob\":-0.12345678901234567890123,\"bytes\":[240],\"top_logprobs\":[]}]}}]}",
                "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ude00\"}}],\"x\":1e400,\"y\":{\"z\":[1.0,1.00]}}",
                "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":\"}}]}}]}",
                "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
                "{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,\"cost\":0.10}}");
        try (FakeUpstream upstream = FakeUpstream.start(exchange -> {
                    exchange.stream();
                    for (String chunk : chunks) {
                        exchange.write("data:" + chunk + "\r\n\r\n");
                    }
                    exchange.write("data: [DONE]\r\n\r\n");
                });
                TestChat chat = start(upstream)) {
            try (EventReader reader = chat.read(chat.begin(ask(true)))) {
                List<Frame> frames = reader.rest();
                assertThat(frames.stream().map(Frame::data).limit(chunks.size()))
                        .containsExactlyElementsOf(chunks);
                assertThat(frames.get(chunks.size()).isDone()).isTrue();
            }
            JsonNode message = Json.parse(document(chat).body()).at("/choices/0/message");
            assertThat(message.get("reasoning_content").asText()).isEqualTo("h\u00e4");
            assertThat(message.get("content").asText()).isEqualTo("\ud83d\ude00");
            assertThat(message.at("/tool_calls/0/function/arguments").asText()).isEqualTo("{\"a\":");
        }
    }

    @ParameterizedTest
    @DisplayName("each upstream gets the requests for the models with its prefix, without the prefix")
    @ValueSource(booleans = {true, false})
    void severalUpstreams(boolean streamed) throws Exception {
        try (FakeUpstream first = FakeUpstream.start(whole("from first"));
                FakeUpstream second = FakeUpstream.start(whole("from second"));
                FakeUpstream unnamed = FakeUpstream.start(whole("from the one without a name"))) {
            Map<String, String> environment = new HashMap<>();
            environment.put("HANDOFF_SECRET", TestChat.SECRET);
            environment.put("HANDOFF_UPSTREAM_FIRST", first.url());
            environment.put("HANDOFF_UPSTREAM_FIRST_KEY", "key-of-first");
            environment.put("HANDOFF_UPSTREAM_SECOND", second.url() + "/");
            environment.put("OPENAI_BASE_URL", unnamed.url());
            try (TestChat chat = TestChat.start(environment)) {
                assertThat(Json.parse(chat.get("/v1/models").body()).findValuesAsText("id"))
                        .containsExactly("echo", "first/tiny", "second/tiny", "tiny");
                for (String model : List.of("first/tiny", "second/tiny", "tiny")) {
                    Object request = TestChat.ask(streamed, "hello").put("model", model);
                    assertThat(chat.get(chat.begin(request).getPath()).body()).contains("from ");
                }
                assertThat(chat.post(TestChat.ask(true, "x").put("model", "third/tiny"))
                                .statusCode())
                        .isEqualTo(404);
            }
            for (FakeUpstream upstream : List.of(first, second, unnamed)) {
                assertThat(upstream.requests()).hasSize(1);
                JsonNode sent = upstream.requests().get(0).json();
                assertThat(sent.get("model").asText()).isEqualTo("tiny");
                assertThat(sent.get("stream").asBoolean()).isTrue();
                assertThat(sent.at("/messages/0/content").asText()).isEqualTo("hello");
            }
            assertThat(first.requests().get(0).lines("Authorization"))
                    .containsExactly("Authorization: Bearer key-of-first");
            assertThat(second.requests().get(0).lines("Authorization")).isEmpty();
        }
    }
}
