// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.handoff.http.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Provides the models of another server with OpenAI's API, such as Ollama, vLLM or OpenAI itself. It always requests chunks, even if the
 * client does not, because only a chunked answer shows whether it is complete. It passes each chunk on when it arrives, as the upstream
 * has written it.
 *
 * <p>Thread-safe.
 */
final class UpstreamModels implements ModelSource {

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);

    private final HttpClient client = HttpClient.newBuilder()
            // Some servers fail on a request that offers an upgrade to HTTP/2.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_LIMIT)
            .build();

    private final Upstream upstream;
    private final String prefix;
    private final Duration patience;
    private final ScheduledExecutorService timer;
    private final UpstreamList list;

    /**
     * Creates a source with the models of a server.
     *
     * @param patience how long the server may send nothing before and in an answer
     * @param timer measures that time; the source does not shut it down
     */
    UpstreamModels(Upstream upstream, Duration patience, ScheduledExecutorService timer) {
        this.upstream = upstream;
        this.prefix = upstream.name() == null ? "" : upstream.name() + '/';
        this.patience = patience;
        this.timer = timer;
        this.list = new UpstreamList(client, request("/models").GET().build(), prefix);
    }

    @Override
    public List<Model> models() {
        return list.models();
    }

    @Override
    public boolean has(String modelId) {
        return modelId.startsWith(prefix) && list.has(modelId);
    }

    @Override
    public void answer(ChatRequest request, ChatAnswer answer) throws InterruptedException {
        HttpRequest post = request("/chat/completions")
                .header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .header("Accept-Encoding", "identity")
                .POST(HttpRequest.BodyPublishers.ofString(streamed(request)))
                .build();
        try (UpstreamTries tries = new UpstreamTries(() -> new UpstreamCall(client, post, patience, timer))) {
            answer.onCancel(tries::close);
            relay(tries.begin(), answer);
        } catch (UpstreamFailure e) {
            throw e.toProblemException();
        }
    }

    private static void relay(UpstreamTries.Begun begun, ChatAnswer answer) throws UpstreamFailure {
        UpstreamCall call = begun.call();
        String data = begun.first();
        while (data != null && !data.strip().equals("[DONE]")) {
            ObjectNode chunk = chunk(data);
            // Clients that read line by line need each chunk in one line.
            answer.relay(chunk, data.indexOf('\n') < 0 ? data : chunk.toString());
            data = call.nextData();
        }
        if (data == null ? !answer.finished() : !answer.finishedAllBegun()) {
            throw UpstreamFailure.lasting(
                    new Problem(502, "upstream_cut", "The upstream's answer was cut before its end."), null);
        }
        if (data != null) {
            call.drain();
        }
    }

    /**
     * Returns the request of the client, or a copy that requests chunks and has no prefix in the name of the model. The copy has all other
     * fields as the client wrote them.
     */
    private String streamed(ChatRequest request) {
        String body = request.body();
        if (request.stream() && prefix.isEmpty()) {
            return body;
        }
        StringBuilder copy = new StringBuilder(body.length() + 100).append('{');
        if (!request.stream()) {
            copy.append("\"stream\":true,\"stream_options\":{\"include_usage\":true},");
        }
        copy.append("\"model\":").append(TextNode.valueOf(request.model().substring(prefix.length())));
        Set<String> replaced = request.stream() ? Set.of("model") : Set.of("model", "stream", "stream_options");
        try (JsonParser json = Json.parser(body)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                int from = (int) json.currentTokenLocation().getCharOffset();
                String name = json.currentName();
                json.nextToken();
                json.skipChildren().finishToken();
                int to = (int) json.currentLocation().getCharOffset();
                if (!replaced.contains(name)) {
                    copy.append(',').append(body, from, to);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the request was read before, and is copied in memory", e);
        }
        return copy.append('}').toString();
    }

    /** Returns a chunk. An error object instead of a chunk becomes a failure. */
    private static ObjectNode chunk(String data) throws UpstreamFailure {
        try {
            if (Json.parse(data) instanceof ObjectNode json) {
                UpstreamFailure error = UpstreamErrors.inStream(json);
                if (error != null) {
                    throw error;
                }
                return json;
            }
        } catch (JsonProcessingException e) {
            // The failure below reports it.
        }
        throw UpstreamFailure.lasting(
                new Problem(502, "upstream_broken", "The upstream sent a chunk that is not a JSON object."), null);
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(upstream.base() + path));
        return upstream.apiKey() == null ? builder : builder.header("Authorization", "Bearer " + upstream.apiKey());
    }
}
