// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.testkit.SseReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** A Spring Boot application that runs on a free port, and requests to it. */
final class RunningApplication implements AutoCloseable {

    static final String SECRET = "nT4xq0Zl7mB2vYc9RkWd5hJf8sPg1uEa";

    static {
        // Boot would configure Logback again with each start, and remove the appenders of tests.
        System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
    }

    final ConfigurableApplicationContext context;
    final HttpClient client = HttpClient.newHttpClient();

    private RunningApplication(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts an application with a strong secret and some more properties, each as {@code name=value}. */
    static RunningApplication start(Class<?> configuration, String... properties) {
        return new RunningApplication(SpringApplication.run(configuration, arguments(properties)));
    }

    /** Starts an application like {@link #start} whose context is a child of another one. */
    static RunningApplication startChild(RunningApplication parent, Class<?> configuration, String... properties) {
        return new RunningApplication(new SpringApplicationBuilder(configuration)
                .parent(parent.context)
                .run(arguments(properties)));
    }

    private static String[] arguments(String... properties) {
        List<String> arguments = new ArrayList<>();
        arguments.add("--server.port=0");
        arguments.add("--spring.main.banner-mode=off");
        arguments.add("--handoff.secret=" + SECRET);
        for (String property : properties) {
            arguments.add("--" + property);
        }
        return arguments.toArray(String[]::new);
    }

    String url() {
        return "http://localhost:" + context.getEnvironment().getProperty("local.server.port");
    }

    /** Returns a request with a path of this application, or a URL. */
    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url()).resolve(path));
    }

    HttpRequest.Builder post(String path, String body) {
        return request(path).header("Content-Type", "text/plain").POST(BodyPublishers.ofString(body));
    }

    static String basic(String user, String password) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ':' + password).getBytes(StandardCharsets.UTF_8));
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Hands a request off, and returns the location of the stream. */
    URI handOff(HttpRequest.Builder request) {
        HttpResponse<String> response = send(request);
        if (response.statusCode() != 303) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return response.request()
                .uri()
                .resolve(response.headers().firstValue("Location").orElseThrow());
    }

    HttpResponse<InputStream> open(URI stream) {
        try {
            return client.send(HttpRequest.newBuilder(stream).build(), BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns all events of a stream, each as {@code type:data}. */
    List<String> read(URI stream) {
        SseReader events = new SseReader(open(stream).body());
        List<String> all = new ArrayList<>();
        for (Optional<SseReader.Received> next = events.next(); next.isPresent(); next = events.next()) {
            all.add(next.get().type() + ':' + next.get().data());
        }
        return all;
    }

    @Override
    public void close() {
        context.close();
    }
}
