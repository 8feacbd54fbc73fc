// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.testkit.SseReader.Received;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the stream of a request over HTTP, as a browser does. It follows the redirect. When its connection is lost, it connects again,
 * sends {@code Last-Event-ID}, and continues after the last event. Each method waits for the server for at most 20 seconds.
 *
 * <pre>{@code
 * HttpRequest request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString("rain")).build();
 * try (SseClient client = SseClient.open(request)) {
 *     HandoffAssertions.assertThat(client).receives("page", "page 1");
 *     client.cut();
 *     HandoffAssertions.assertThat(client).receives("page", "page 2").endsWith("completed");
 * }
 * }</pre>
 *
 * <p>The event {@code interrupted} announces that the server is about to cut the response. The client does not return this event, and
 * connects again. It sends the original request only once, because that request may start work. To resume the stream it sends GET requests
 * with the header fields of the original request.
 *
 * <p>Not thread-safe.
 */
public final class SseClient implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long PAUSE_MILLIS = 50;
    private static final int MAX_SHOWN_BYTES = 1000;

    private final HttpClient client;
    private final HttpRequest request;
    private Duration patience;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread reader = new Thread(task, "sse-client");
        reader.setDaemon(true);
        return reader;
    });

    private URI uri;
    private String lastEventId = "";
    private int resumptions;
    private boolean ended;
    private @Nullable InputStream body;
    private @Nullable SseReader reader;

    /** Holds the HTTP client that {@link #open(HttpRequest)} uses. */
    private static final class SharedClient {
        static final HttpClient INSTANCE = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .connectTimeout(PATIENCE)
                .build();
    }

    private SseClient(HttpClient client, HttpRequest request, Duration patience) {
        this.client = client;
        this.request = request;
        this.patience = patience;
        this.uri = request.uri();
    }

    /**
     * Sends a request, follows its redirects and opens the stream.
     *
     * @throws UncheckedIOException if the server does not answer within 20 seconds, or the connection is lost
     * @throws IllegalStateException if the answer is neither a stream of Server-Sent Events nor 204
     */
    public static SseClient open(HttpRequest request) {
        return open(SharedClient.INSTANCE, request);
    }

    /**
     * Sends a request as {@link #open(HttpRequest)} does, with another HTTP client, such as one that has cookies or trusts the certificate
     * of a test.
     *
     * @param client the HTTP client, which must follow redirects; {@link #close} does not close it
     */
    public static SseClient open(HttpClient client, HttpRequest request) {
        return open(client, request, PATIENCE);
    }

    static SseClient open(HttpClient client, HttpRequest request, Duration patience) {
        SseClient opened = new SseClient(client, request, patience);
        try {
            opened.connect(request, opened.deadline());
        } catch (IOException e) {
            opened.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    /** Changes how long each method waits for the server. */
    void patience(Duration patience) {
        this.patience = patience;
    }

    /** Returns the address of the stream, to which the server redirected the client. */
    public URI uri() {
        return uri;
    }

    /** Returns the id of the last event; empty if there was none yet. */
    public String lastEventId() {
        return lastEventId;
    }

    /** Returns how often the client has connected again. */
    public int resumptions() {
        return resumptions;
    }

    /**
     * Returns the next event. Waits for it, and resumes the stream when the connection is lost.
     *
     * @return the event; empty if the stream has ended
     * @throws UncheckedIOException if no event arrives within 20 seconds, or the stream cannot be resumed in this time
     * @throws IllegalStateException if the server refuses to resume the stream
     */
    public Optional<Received> next() {
        long deadline = deadline();
        while (!ended) {
            try {
                SseReader open = reader == null ? resume(deadline) : reader;
                Optional<Received> event = open == null ? Optional.empty() : await(thread.submit(open::next), deadline);
                ended = event.isEmpty();
                if (event.isPresent() && !event.get().lastEventId().isEmpty()) {
                    lastEventId = event.get().lastEventId();
                }
                if (event.isPresent() && !event.get().type().equals("interrupted")) {
                    return event;
                }
            } catch (HttpTimeoutException e) {
                cut();
                throw new UncheckedIOException(e);
            } catch (IOException e) {
                cut();
                pauseBeforeRetry(deadline, e);
            }
        }
        return Optional.empty();
    }

    /**
     * Returns all further events of the stream.
     *
     * @throws UncheckedIOException if no event arrives within 20 seconds after the previous one, or the stream cannot be resumed in this
     *     time
     * @throws IllegalStateException if the server refuses to resume the stream
     */
    public List<Received> toEnd() {
        List<Received> rest = new ArrayList<>();
        for (Optional<Received> event = next(); event.isPresent(); event = next()) {
            rest.add(event.get());
        }
        return rest;
    }

    /** Closes the connection, so that a test can check how the stream resumes. The next call of {@link #next} connects again. */
    public void cut() {
        reader = null;
        InputStream open = body;
        body = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // The connection is lost already.
            }
        }
    }

    /** Closes the connection. */
    @Override
    public void close() {
        ended = true;
        cut();
        thread.shutdownNow();
    }

    private long deadline() {
        return System.nanoTime() + patience.toNanos();
    }

    private @Nullable SseReader resume(long deadline) throws IOException {
        HttpRequest.Builder again = HttpRequest.newBuilder(uri).GET();
        request.headers().map().forEach((name, values) -> {
            if (!name.equalsIgnoreCase("Content-Type") && !name.equalsIgnoreCase("Last-Event-ID")) {
                values.forEach(value -> again.header(name, value));
            }
        });
        if (!lastEventId.isEmpty()) {
            again.header("Last-Event-ID", lastEventId);
        }
        resumptions++;
        return connect(again.build(), deadline);
    }

    /** Returns the reader of the response; null if the server has no more events. */
    private @Nullable SseReader connect(HttpRequest sent, long deadline) throws IOException {
        HttpResponse<InputStream> response =
                await(client.sendAsync(sent, HttpResponse.BodyHandlers.ofInputStream()), deadline);
        body = response.body();
        uri = response.uri();
        if (response.statusCode() == 204) {
            ended = true;
            return null;
        }
        String type = response.headers().firstValue("Content-Type").orElse("none");
        if (response.statusCode() != 200 || !type.startsWith("text/event-stream")) {
            InputStream refusal = response.body();
            byte[] shown = await(thread.submit(() -> refusal.readNBytes(MAX_SHOWN_BYTES)), deadline);
            throw new IllegalStateException(
                    "the answer to " + sent.method() + ' ' + request.uri() + " is no stream: status "
                            + response.statusCode() + ", Content-Type " + type + ", "
                            + new String(shown, StandardCharsets.UTF_8));
        }
        SseReader opened = new SseReader(response.body());
        reader = opened;
        return opened;
    }

    private <T> T await(Future<T> answer, long deadline) throws IOException {
        try {
            return answer.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new HttpTimeoutException("nothing has arrived from the server for " + patience);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new InterruptedIOException("the test was interrupted"));
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw new IOException(
                    "the connection was lost", cause instanceof UncheckedIOException lost ? lost.getCause() : cause);
        }
    }

    private void pauseBeforeRetry(long deadline, IOException lost) {
        if (deadline - System.nanoTime() <= 0) {
            throw new UncheckedIOException("the stream could not be resumed for " + patience, lost);
        }
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(lost);
        }
    }
}
