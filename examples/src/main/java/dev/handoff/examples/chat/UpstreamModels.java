// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Provides the models of another server with OpenAI's API, such as Ollama, vLLM or OpenAI itself. It always requests chunks, even if the
 * client does not, because only a chunked answer shows whether it is complete. It passes each chunk on when it arrives.
 *
 * <p>Thread-safe.
 */
final class UpstreamModels implements ModelSource {

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    private static final Duration LIST_LIMIT = Duration.ofSeconds(10);
    private static final Duration LIST_LIFETIME = Duration.ofSeconds(10);

    private final HttpClient client = HttpClient.newBuilder()
            // Some servers fail on a request that offers an upgrade to HTTP/2.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(CONNECT_LIMIT)
            .build();

    private final URI base;
    private final @Nullable String apiKey;
    private final Duration patience;
    private final ScheduledExecutorService timer;

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private List<Model> listed = List.of();
    private Instant listedAt = Instant.MIN;

    /**
     * Creates a source with the models of a server.
     *
     * @param base the base URL of its API, such as {@code https://api.openai.com/v1}
     * @param apiKey the key for the server; null for none
     * @param patience how long the server may send nothing in the middle of an answer
     * @param timer measures that time; the source does not shut it down
     */
    UpstreamModels(URI base, @Nullable String apiKey, Duration patience, ScheduledExecutorService timer) {
        this.base = URI.create(base.toString().replaceFirst("/+$", ""));
        this.apiKey = apiKey;
        this.patience = patience;
        this.timer = timer;
    }

    @Override
    public List<Model> models() {
        lock.lock();
        try {
            if (listedAt.plus(LIST_LIFETIME).isBefore(Instant.now())) {
                listed = list();
                listedAt = Instant.now();
            }
            return listed;
        } finally {
            lock.unlock();
        }
    }

    private List<Model> list() {
        try {
            HttpResponse<String> response = client.send(
                    request("/models").timeout(LIST_LIMIT).GET().build(), HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw unavailable("answered with status " + response.statusCode(), null);
            }
            List<Model> models = new ArrayList<>();
            for (JsonNode json : Json.parse(response.body()).path("data")) {
                models.add(new Model(
                        json.path("id").asText(),
                        Instant.ofEpochSecond(json.path("created").asLong()),
                        json.path("owned_by").asText("upstream")));
            }
            return List.copyOf(models);
        } catch (JsonProcessingException e) {
            throw unavailable("answered with something that is not JSON", e);
        } catch (IOException e) {
            throw unavailable("could not be reached", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable("was not waited for", e);
        }
    }

    private static ProblemException unavailable(String why, @Nullable Exception cause) {
        return new ProblemException(
                new Problem(503, "upstream_unavailable", "The upstream was asked for its models and " + why + '.'),
                cause);
    }

    @Override
    public void answer(ChatRequest request, ChatAnswer answer) throws InterruptedException {
        HttpRequest post = request("/chat/completions")
                .header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .POST(streamed(request))
                .build();
        try (UpstreamCall call = new UpstreamCall(client, post, patience, timer)) {
            answer.onCancel(call::close);
            call.open();
            boolean done = false;
            String data = call.nextData();
            while (data != null && !done) {
                done = data.equals("[DONE]");
                if (!done) {
                    answer.relay(chunk(data));
                    data = call.nextData();
                }
            }
            if (!done && !answer.finished()) {
                throw new ProblemException(502, "upstream_cut", "The upstream's answer was cut before its end.");
            }
        }
    }

    /** Returns the request of the client, or a copy that requests chunks. The copy has all other fields as the client wrote them. */
    private static HttpRequest.BodyPublisher streamed(ChatRequest request) {
        String body = request.body();
        if (request.stream()) {
            return HttpRequest.BodyPublishers.ofString(body);
        }
        StringBuilder copy = new StringBuilder(body.length() + 100);
        copy.append("{\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        try (JsonParser json = Json.parser(body)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                int from = (int) json.currentTokenLocation().getCharOffset();
                String name = json.currentName();
                json.nextToken();
                json.skipChildren().finishToken();
                int to = (int) json.currentLocation().getCharOffset();
                if (!name.equals("stream") && !name.equals("stream_options")) {
                    copy.append(',').append(body, from, to);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the request was read before, and is copied in memory", e);
        }
        return HttpRequest.BodyPublishers.ofString(copy.append('}').toString());
    }

    /** Returns a chunk. An error object instead of a chunk becomes a problem. */
    private static ObjectNode chunk(String data) {
        try {
            if (Json.parse(data) instanceof ObjectNode json) {
                if (json.hasNonNull("error")) {
                    throw UpstreamCall.problem(502, json);
                }
                return json;
            }
        } catch (JsonProcessingException e) {
            // The exception below reports it.
        }
        throw new ProblemException(502, "upstream_broken", "The upstream sent a chunk that is not a JSON object.");
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(base + path));
        return apiKey == null ? builder : builder.header("Authorization", "Bearer " + apiKey);
    }
}
