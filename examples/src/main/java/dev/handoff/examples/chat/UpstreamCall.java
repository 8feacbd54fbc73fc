// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Reads one answer of an upstream. One thread reads. Any thread may close it, which ends a blocked read. */
final class UpstreamCall implements AutoCloseable {

    private static final int MAX_ERROR_BYTES = 64 << 10;

    private final CompletableFuture<HttpResponse<InputStream>> exchange;
    private final ScheduledFuture<?> watch;
    private final long patienceNanos;
    private volatile long heardAt = System.nanoTime();
    private volatile boolean closed;
    private volatile boolean late;
    private @Nullable BufferedReader lines;

    /** Sends the request. */
    UpstreamCall(HttpClient client, HttpRequest request, Duration patience, ScheduledExecutorService timer) {
        this.patienceNanos = patience.toNanos();
        this.exchange = client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
        long period = Math.max(1, patience.toMillis() / 4);
        this.watch = timer.scheduleWithFixedDelay(this::closeIfLate, period, period, TimeUnit.MILLISECONDS);
    }

    /**
     * Blocks until the answer begins.
     *
     * @throws ProblemException if it is not a stream of events
     */
    void open() throws InterruptedException {
        try {
            HttpResponse<InputStream> response = exchange.get();
            if (response.statusCode() != 200) {
                throw refusal(response);
            }
            String type = response.headers().firstValue("Content-Type").orElse("");
            if (!type.startsWith("text/event-stream")) {
                throw new ProblemException(
                        502, "upstream_broken", "The upstream answered with \"" + type + "\" instead of a stream.");
            }
            lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
        } catch (ExecutionException e) {
            throw failure("upstream_unreachable", "The upstream could not be reached.", e);
        } catch (CancellationException e) {
            throw failure("upstream_closed", "The call of the upstream was closed.", e);
        } catch (IOException e) {
            throw failure("upstream_cut", "The upstream's error could not be read.", e);
        }
    }

    /**
     * Returns the data of the next event; null at the end of the stream. Blocks until it arrives. A last event without an empty line after
     * it is ignored (HTML Standard, 9.2.6).
     *
     * @throws ProblemException if the connection is lost
     */
    @Nullable
    String nextData() {
        BufferedReader reader = lines;
        if (reader == null) {
            throw new IllegalStateException("the call is not open");
        }
        StringBuilder data = new StringBuilder();
        try {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                heardAt = System.nanoTime();
                if (line.startsWith("data:")) {
                    data.append(data.isEmpty() ? "" : "\n")
                            .append(line.substring("data:".length()).stripLeading());
                } else if (line.isEmpty() && !data.isEmpty()) {
                    return data.toString();
                }
            }
            if (closed) {
                throw failure("upstream_closed", "The call of the upstream was closed.", null);
            }
            return null;
        } catch (IOException e) {
            throw failure("upstream_cut", "The upstream's answer was cut before its end.", e);
        }
    }

    private void closeIfLate() {
        if (System.nanoTime() - heardAt >= patienceNanos) {
            late = true;
            close();
        }
    }

    /** Returns the problem of a failed read. If the upstream sent nothing for too long, returns a problem that says so. */
    private ProblemException failure(String code, String detail, @Nullable Exception cause) {
        Problem problem = late
                ? new Problem(
                        504,
                        "upstream_timeout",
                        "The upstream said nothing for " + TimeUnit.NANOSECONDS.toSeconds(patienceNanos) + " seconds.")
                : new Problem(502, code, detail);
        return new ProblemException(problem, cause);
    }

    private static ProblemException refusal(HttpResponse<InputStream> response) throws IOException {
        int status = response.statusCode();
        String body;
        try (InputStream in = response.body()) {
            body = new String(in.readNBytes(MAX_ERROR_BYTES), StandardCharsets.UTF_8);
        }
        int shown = status >= 400 && status < 500 ? status : 502;
        try {
            return problem(shown, Json.parse(body));
        } catch (JsonProcessingException e) {
            return new ProblemException(shown, "upstream_error", "The upstream answered with status " + status + '.');
        }
    }

    /** Returns the problem for an error object of the upstream. */
    static ProblemException problem(int status, JsonNode json) {
        JsonNode error = json.path("error");
        String message = error.path("message").asText(error.asText());
        return new ProblemException(
                status,
                error.path("code").asText("upstream_error"),
                message.isEmpty() ? "The upstream gave an error without a message." : message);
    }

    /** Aborts the connection, if it has not ended. Another call changes nothing. */
    @Override
    public void close() {
        closed = true;
        watch.cancel(false);
        if (!exchange.cancel(true) && !exchange.isCompletedExceptionally()) {
            try {
                exchange.join().body().close();
            } catch (IOException e) {
                // The call is being closed, so a failure does not matter.
            }
        }
    }
}
