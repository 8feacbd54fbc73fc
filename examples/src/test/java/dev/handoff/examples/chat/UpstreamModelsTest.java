// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpstreamModelsTest {

    /** What the scripted upstream does with a request for a completion. */
    @FunctionalInterface
    private interface Script {
        void play(HttpExchange exchange) throws IOException;
    }

    private static final String CHUNK = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,"
            + "\"model\":\"tiny/one\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n";

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicReference<JsonNode> asked = new AtomicReference<>();
    private final AtomicReference<String> authorization = new AtomicReference<>();
    private volatile Script script = exchange -> {};
    private HttpServer upstream;

    @BeforeEach
    void startUpstream() throws IOException {
        upstream = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        upstream.setExecutor(threads);
        upstream.createContext(
                "/v1/models",
                exchange -> answer(
                        exchange,
                        200,
                        "application/json",
                        "{\"data\":[{\"id\":\"tiny/one\",\"object\":\"model\",\"created\":5,\"owned_by\":\"us\"}]}"));
        upstream.createContext("/v1/chat/completions", exchange -> {
            asked.set(Json.parse(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
            authorization.set(exchange.getRequestHeaders().getFirst("Authorization"));
            script.play(exchange);
        });
        upstream.start();
    }

    @AfterEach
    void stopUpstream() {
        upstream.stop(0);
        threads.shutdownNow();
    }

    private static void answer(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static Script stream(String body) {
        return exchange -> answer(exchange, 200, "text/event-stream; charset=utf-8", body);
    }

    private static String chunk(String delta, String finishReason) {
        return CHUNK.formatted(delta, finishReason);
    }

    private static String text(String text) {
        return chunk("{\"content\":\"" + text + "\"}", "null");
    }

    private TestChat start() {
        String base = "http://127.0.0.1:" + upstream.getAddress().getPort() + "/v1/";
        return TestChat.start(
                Map.of("HANDOFF_SECRET", TestChat.SECRET, "OPENAI_BASE_URL", base, "OPENAI_API_KEY", "upstream-key"));
    }

    private static Object ask(boolean stream) {
        return TestChat.ask(stream, "hello").put("model", "tiny/one");
    }

    private static List<Frame> read(TestChat chat) {
        try (EventReader reader = chat.read(chat.begin(ask(true)))) {
            return reader.rest();
        }
    }

    private static List<Frame> readUntilAbort(TestChat chat) {
        try (EventReader reader = RawHttp.read(chat.begin(ask(true)))) {
            return reader.untilAbort();
        }
    }

    private static JsonNode error(List<Frame> frames) {
        Frame error = frames.get(frames.size() - 1);
        assertThat(error.type()).isEqualTo("error");
        return error.json().get("error");
    }

    @Test
    void itsModelsAreListedBesideEcho() throws Exception {
        try (TestChat chat = start()) {
            assertThat(Json.parse(chat.get("/v1/models").body()).findValuesAsText("id"))
                    .containsExactly("echo", "tiny/one");
            assertThat(Json.parse(chat.get("/v1/models/tiny%2Fone").body())
                            .get("owned_by")
                            .asText())
                    .isEqualTo("us");
            assertThat(chat.get("/v1/models/tiny/one").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void chunksArePassedOnAsTheyAre() {
        String first = chunk("{\"role\":\"assistant\",\"content\":\"\",\"reasoning\":\"hm\"}", "null");
        script = stream(
                ": hello\n\n" + first + text("one ") + text("two") + chunk("{}", "\"length\"") + "data: [DONE]\n\n");
        try (TestChat chat = start()) {
            List<Frame> frames = read(chat);

            assertThat(frames).hasSize(5);
            assertThat("data: " + frames.get(0).data() + "\n\n").isEqualTo(first);
            assertThat(EventReader.text(frames)).isEqualTo("one two");
            assertThat(frames.get(3).json().at("/choices/0/finish_reason").asText())
                    .isEqualTo("length");
            assertThat(asked.get().get("model").asText()).isEqualTo("tiny/one");
            assertThat(asked.get().get("stream").asBoolean()).isTrue();
            assertThat(asked.get().has("stream_options")).isFalse();
            assertThat(authorization.get()).isEqualTo("Bearer upstream-key");
        }
    }

    @Test
    void aResultIsPutTogetherFromChunks() throws Exception {
        script = stream(chunk("{\"role\":\"assistant\",\"content\":null}", "null")
                + chunk(
                        "{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\","
                                + "\"function\":{\"name\":\"add\",\"arguments\":\"\"}}]}",
                        "null")
                + chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}", "null")
                + chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}", "null")
                + chunk("{\"reasoning\":\"h\"}", "null")
                + chunk("{\"reasoning\":\"m\"}", "null")
                + chunk("{}", "\"tool_calls\"")
                + "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n"
                + "data: [DONE]\n\n");
        try (TestChat chat = start()) {
            HttpResponse<String> response = chat.get(chat.begin(ask(false)).getPath());

            assertThat(response.statusCode()).isEqualTo(200);
            JsonNode json = Json.parse(response.body());
            assertThat(json.get("id").asText()).isEqualTo("c1");
            assertThat(json.get("created").asInt()).isEqualTo(7);
            assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
            assertThat(json.at("/choices/0/message").toString())
                    .isEqualTo("{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"reasoning\":\"hm\","
                            + "\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\","
                            + "\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}]}");
            assertThat(json.at("/usage/total_tokens").asInt()).isEqualTo(9);
            assertThat(asked.get().get("stream").asBoolean()).isTrue();
            assertThat(asked.get().at("/stream_options/include_usage").asBoolean())
                    .isTrue();
        }
    }

    @Test
    @DisplayName("a result has all choices, log probabilities and calls of custom tools that the chunks have")
    void aResultIsPutTogetherFromAllChoices() throws Exception {
        script = stream("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
                + "\"logprobs\":{\"content\":[{\"token\":\"a\"}],\"refusal\":null}},"
                + "{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"custom\","
                + "\"custom\":{\"name\":\"c/d\",\"input\":\"x\"}}]}}]}\n\n"
                + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\","
                + "\"logprobs\":{\"content\":[{\"token\":\"b\"}]}},{\"index\":7,\"delta\":{\"content\":\"z\"}}]}\n\n"
                + "data: {\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"custom\":"
                + "{\"input\":\"y\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
                + "data: [DONE]\n\n");
        try (TestChat chat = start()) {
            Object request =
                    TestChat.ask(false, "hello").put("model", "tiny/one").put("n", 2);

            JsonNode choices =
                    Json.parse(chat.get(chat.begin(request).getPath()).body()).get("choices");

            assertThat(choices.toString())
                    .isEqualTo("[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ab\",\"refusal\":null},"
                            + "\"logprobs\":{\"content\":[{\"token\":\"a\"},{\"token\":\"b\"}],\"refusal\":null},"
                            + "\"finish_reason\":\"stop\"},"
                            + "{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
                            + "\"tool_calls\":[{\"id\":\"t\",\"type\":\"custom\",\"custom\":{\"name\":\"c/d\",\"input\":\"xy\"}}]},"
                            + "\"logprobs\":null,\"finish_reason\":\"tool_calls\"}]");
        }
    }

    @ParameterizedTest
    @DisplayName("numbers that Java cannot hold reach the upstream")
    @ValueSource(booleans = {true, false})
    void hugeNumbersReachTheUpstream(boolean streamed) {
        script = stream(text("one") + chunk("{}", "\"stop\"") + "data: [DONE]\n\n");
        try (TestChat chat = start()) {
            String request = "{\"x\":[1e99999999999],\"model\":\"tiny/one\",\"stream\":" + streamed
                    + ",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";

            assertThat(chat.get(chat.begin(request).getPath()).statusCode()).isEqualTo(200);
            assertThat(asked.get().get("x")).hasSize(1);
        }
    }

    @Test
    @DisplayName("an answer without an end for each of its choices is cut")
    void eachChoiceNeedsAnEnd() {
        script = stream(text("one") + chunk("{}", "\"stop\""));
        try (TestChat chat = start()) {
            Object request =
                    TestChat.ask(false, "hello").put("model", "tiny/one").put("n", 2);

            assertThat(chat.get(chat.begin(request).getPath()).statusCode()).isEqualTo(502);
        }
    }

    @ParameterizedTest
    @DisplayName("parameters, calls of tools and images reach the upstream unchanged")
    @ValueSource(booleans = {true, false})
    void theRequestReachesTheUpstreamUnchanged(boolean streamed) throws Exception {
        script = stream(text("one") + chunk("{}", "\"stop\"") + "data: [DONE]\n\n");
        ObjectNode request = (ObjectNode) Json.parse("{\"model\":\"tiny/one\",\"temperature\":0.10,\"stop\":[\"a\"],"
                + "\"max_tokens\":5,\"seed\":-9223372036854775808,\"top_k\":7,\"big\":1234567890.12345678901234567890,"
                + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}],"
                + "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
                + "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":{}}},"
                + "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]},"
                + "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
                + "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
                + "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"7\"}]}");
        try (TestChat chat = start()) {
            assertThat(chat.get(chat.begin(request.put("stream", streamed)).getPath())
                            .statusCode())
                    .isEqualTo(200);

            ObjectNode sent = (ObjectNode) asked.get();
            assertThat(sent.remove("stream_options") == null).isEqualTo(streamed);
            assertThat(sent).isEqualTo(request.put("stream", true));
        }
    }

    @ParameterizedTest
    @CsvSource({"400,400", "404,404", "429,429", "500,502", "503,502"})
    void anErrorKeepsItsStatusUnlessItIsTheServersOwn(int status, int shown) throws Exception {
        script = exchange -> answer(
                exchange,
                status,
                "application/json",
                "{\"error\":{\"message\":\"no way\",\"type\":\"x\",\"param\":null,\"code\":\"bad_luck\"}}");
        try (TestChat chat = start()) {
            HttpResponse<String> response = chat.get(chat.begin(ask(false)).getPath());

            assertThat(response.statusCode()).isEqualTo(shown);
            assertThat(response.headers().firstValue("x-should-retry")).contains("false");
            assertThat(Json.parse(response.body()).at("/error/message").asText())
                    .isEqualTo("no way");
            assertThat(Json.parse(response.body()).at("/error/code").asText()).isEqualTo("bad_luck");
            assertThat(error(readUntilAbort(chat)).get("message").asText()).isEqualTo("no way");
        }
    }

    @Test
    void anErrorThatIsNoJsonIsAnErrorToo() {
        script = exchange -> answer(exchange, 500, "text/html", "<h1>oops</h1>");
        try (TestChat chat = start()) {
            assertThat(error(readUntilAbort(chat)).get("code").asText()).isEqualTo("upstream_error");
        }
    }

    @Test
    void anErrorInMidStreamIsAFailure() {
        script = stream(text("one ")
                + "event: error\ndata: {\"error\":{\"message\":\"no way\",\"code\":null}}\n\ndata: [DONE]\n\n");
        try (TestChat chat = start()) {
            List<Frame> frames = readUntilAbort(chat);

            assertThat(EventReader.text(frames)).isEqualTo("one ");
            assertThat(error(frames).get("message").asText()).isEqualTo("no way");
            assertThat(error(frames).get("code").asText()).isEqualTo("upstream_error");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCutAnswerIsNeverAWholeOne(boolean cleanly) {
        script = exchange -> {
            String body = text("one ") + "data: {\"id\":\"c1\"";
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            // With more bytes promised than sent, the connection is broken off.
            exchange.sendResponseHeaders(200, cleanly ? body.length() : 10_000);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body.getBytes(StandardCharsets.US_ASCII));
                out.flush();
            } finally {
                exchange.close();
            }
        };
        try (TestChat chat = start()) {
            List<Frame> frames = readUntilAbort(chat);
            assertThat(EventReader.text(frames)).isEqualTo("one ");
            assertThat(error(frames).get("code").asText()).isEqualTo("upstream_cut");

            HttpResponse<String> result = chat.get(chat.begin(ask(false)).getPath());
            assertThat(result.statusCode()).isEqualTo(502);
        }
    }

    @Test
    void anAnswerWithAFinishReasonIsWholeWithoutDone() {
        script = stream(text("one") + chunk("{}", "\"stop\""));
        try (TestChat chat = start()) {
            List<Frame> frames = read(chat);
            assertThat(frames).hasSize(3);
            assertThat(frames).extracting(Frame::type).containsOnlyNulls();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"data: nonsense\n\n", "data: 5\n\n"})
    void aBrokenChunkIsAFailure(String broken) {
        script = stream(text("one ") + broken);
        try (TestChat chat = start()) {
            assertThat(error(readUntilAbort(chat)).get("code").asText()).isEqualTo("upstream_broken");
        }
    }

    @Test
    void anAnswerThatIsNoStreamIsAFailure() {
        script = exchange -> answer(exchange, 200, "application/json", "{\"choices\":[]}");
        try (TestChat chat = start()) {
            assertThat(error(readUntilAbort(chat)).get("code").asText()).isEqualTo("upstream_broken");
        }
    }

    @Test
    void cancellingClosesTheCallAndEndsTheAnswerInGoodOrder() {
        AtomicBoolean cut = new AtomicBoolean();
        script = exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                for (int i = 0; i < 1_000_000; i++) {
                    out.write(text("word ").getBytes(StandardCharsets.US_ASCII));
                    out.flush();
                }
            } catch (IOException e) {
                cut.set(true);
            }
        };
        try (TestChat chat = start()) {
            URI stream = chat.begin(ask(true));
            try (EventReader reader = chat.read(stream)) {
                reader.untilText();
                assertThat(chat.delete(stream).statusCode()).isEqualTo(202);

                List<Frame> rest = reader.rest();
                Frame finish = rest.get(rest.size() - 2);
                assertThat(finish.json().at("/handoff/cancelled").asBoolean()).isTrue();
                assertThat(finish.json().get("id").asText()).isEqualTo("c1");
                assertThat(rest.get(rest.size() - 1).isDone()).isTrue();
            }
            await().untilTrue(cut);
        }
    }

    @Test
    void cancellingClosesACallThatWasNotAnsweredYet() {
        CountDownLatch never = new CountDownLatch(1);
        script = exchange -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                exchange.close();
            }
        };
        try (TestChat chat = start()) {
            URI stream = chat.begin(ask(true));
            try (EventReader reader = chat.read(stream)) {
                await().until(() -> asked.get() != null);
                chat.delete(stream);
                assertThat(reader.rest()).hasSize(2);
            }
            await().until(() -> Thread.getAllStackTraces().values().stream()
                    .flatMap(Arrays::stream)
                    .noneMatch(f -> f.getClassName().equals(UpstreamCall.class.getName())));
        }
    }

    @Test
    void withoutTheUpstreamThereIsEchoStill() throws Exception {
        try (TestChat chat = start()) {
            upstream.stop(0);

            assertThat(Json.parse(chat.get("/v1/models").body()).findValuesAsText("id"))
                    .containsExactly("echo");
            HttpResponse<String> refused = chat.post(ask(true));
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(Json.parse(refused.body()).at("/error/code").asText()).isEqualTo("upstream_unavailable");
            assertThat(EventReader.text(
                            chat.read(chat.begin(TestChat.ask(true, "one"))).rest()))
                    .isEqualTo("one");
        }
    }

    @Test
    void anotherServerOfOursCanBeTheUpstream() throws Exception {
        try (TestChat back = TestChat.start();
                TestChat front = TestChat.start(
                        Map.of(
                                "HANDOFF_SECRET",
                                TestChat.SECRET,
                                "OPENAI_BASE_URL",
                                back.url("/v1").toString()),
                        "--no-echo")) {
            try (EventReader reader = front.read(front.begin(TestChat.ask(true, "one two three")))) {
                List<Frame> frames = reader.rest();
                assertThat(frames).hasSize(6);
                assertThat(EventReader.text(frames)).isEqualTo("one two three");
            }
            HttpResponse<String> result =
                    front.get(front.begin(TestChat.ask(false, "one two")).getPath());
            assertThat(Json.parse(result.body())
                            .at("/choices/0/message/content")
                            .asText())
                    .isEqualTo("one two");
            assertThat(Json.parse(result.body()).at("/usage/total_tokens").asInt())
                    .isEqualTo(4);

            HttpResponse<String> failed = front.get(
                    front.begin(TestChat.ask(false, "one two", "fail_after", 1)).getPath());
            assertThat(failed.statusCode()).isEqualTo(502);
            assertThat(Json.parse(failed.body()).at("/error/code").asText()).isEqualTo("echo_failed");
        }
    }
}
