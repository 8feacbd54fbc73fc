// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;

/** A server in this process, started as the command line would, and the requests that the tests make of it. */
final class TestChat implements AutoCloseable {

    static final String SECRET = "Zm9vYmFyYmF6LXF1dXgtY29ycm95LWdyYXVsdA-9f2c";

    private final HttpClient client = HttpClient.newHttpClient();
    private final AllInOne server;

    private TestChat(AllInOne server) {
        this.server = server;
    }

    static TestChat start(String... options) {
        return start(Map.of("HANDOFF_SECRET", SECRET), options);
    }

    static TestChat start(Map<String, String> environment, String... options) {
        CommandLine commandLine = ChatCommand.commandLine(environment);
        commandLine.parseArgs(Stream.concat(Stream.of("all", "--port", "0"), Stream.of(options))
                .toArray(String[]::new));
        CommandLine all = commandLine.getSubcommands().get("all");
        AllCommand command = (AllCommand) all.getCommandSpec().userObject();
        return new TestChat(command.start());
    }

    /** A request for the echo of a text, with metadata in pairs. */
    static ObjectNode ask(boolean stream, String text, Object... metadata) {
        ObjectNode json = Json.object();
        json.put("model", "echo");
        json.put("stream", stream);
        json.putArray("messages").addObject().put("role", "user").put("content", text);
        for (int i = 0; i < metadata.length; i += 2) {
            json.withObject("/metadata").put((String) metadata[i], metadata[i + 1].toString());
        }
        return json;
    }

    URI url(String path) {
        return server.url().resolve(path);
    }

    HttpResponse<String> post(Object body, String... headers) {
        return send(post("/v1/chat/completions", body.toString(), headers));
    }

    private HttpRequest.Builder post(String path, String body, String... headers) {
        return request(url(path), headers)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    HttpResponse<String> get(String path, String... headers) {
        return send(request(url(path), headers));
    }

    HttpResponse<String> delete(URI url) {
        return send(request(url).DELETE());
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        return exchange(request, HttpResponse.BodyHandlers.ofString());
    }

    /** Where a request was sent, which must have been accepted. */
    URI accepted(HttpResponse<String> response) {
        if (response.statusCode() != 303) {
            throw new AssertionError(response.statusCode() + ": " + response.body());
        }
        return url(response.headers().firstValue("Location").orElseThrow());
    }

    /** Starts an answer, and gives the address of its stream. */
    URI begin(Object body, String... headers) {
        return accepted(post(body, headers));
    }

    EventReader read(URI stream, String... headers) {
        HttpResponse<InputStream> response =
                exchange(request(stream, headers), HttpResponse.BodyHandlers.ofInputStream());
        if (response.statusCode() != 200
                || !response.headers().firstValue("Content-Type").orElse("").equals("text/event-stream")) {
            throw new AssertionError(response.toString());
        }
        return new EventReader(response.body());
    }

    private <T> HttpResponse<T> exchange(HttpRequest.Builder request, HttpResponse.BodyHandler<T> handler) {
        try {
            return client.send(request.timeout(Duration.ofSeconds(20)).build(), handler);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static HttpRequest.Builder request(URI url, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request;
    }

    @Override
    public void close() {
        server.close();
    }
}
