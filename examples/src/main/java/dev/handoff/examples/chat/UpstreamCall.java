// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.handoff.http.Problem;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** Reads one answer of an upstream. One thread reads. Any thread may close it, which ends a blocked read. */
final class UpstreamCall implements AutoCloseable {

    private static final int MAX_ERROR_BYTES = 64 << 10;
    private static final long DRAIN_MILLIS = 100;

    private final HttpClient client;
    private final long patienceNanos;
    private final ScheduledExecutorService timer;
    private final ScheduledFuture<?> watch;
    private volatile CompletableFuture<HttpResponse<InputStream>> exchange;
    /** Since when the reading thread waits for the upstream. */
    private volatile long waitsSince = System.nanoTime();
    /** False while the reading thread does something else, such as waiting for a slow store. */
    private volatile boolean waits = true;

    private volatile boolean closed;
    private volatile boolean late;
    private @Nullable UpstreamEvents events;

    /**
     * Sends the request.
     *
     * @param client does not follow redirects
     * @param patience how long the upstream may send nothing while this call waits for it
     * @param timer measures that time
     */
    UpstreamCall(HttpClient client, HttpRequest request, Duration patience, ScheduledExecutorService timer) {
        this.client = client;
        this.patienceNanos = patience.toNanos();
        this.timer = timer;
        this.exchange = client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
        long period = Math.max(1, patience.toMillis() / 4);
        this.watch = timer.scheduleWithFixedDelay(this::closeIfLate, period, period, TimeUnit.MILLISECONDS);
    }

    /**
     * Blocks until the answer begins.
     *
     * @throws UpstreamFailure if it is not a stream of events
     */
    void open() throws InterruptedException, UpstreamFailure {
        try {
            HttpResponse<InputStream> response = follow();
            int status = response.statusCode();
            if (status != 200) {
                throw UpstreamErrors.refusal(status, response.headers(), start(response));
            }
            String type = response.headers().firstValue("Content-Type").orElse("");
            if (!type.toLowerCase(Locale.ROOT).startsWith("text/event-stream")) {
                throw otherThanStream(type, start(response));
            }
            events = new UpstreamEvents(content(response));
        } catch (ExecutionException e) {
            throw failure("upstream_unreachable", "The upstream could not be reached.", e);
        } catch (CancellationException e) {
            throw failure("upstream_closed", "The call of the upstream was closed.", e);
        } catch (IOException e) {
            throw failure("upstream_cut", "The upstream's error could not be read.", e);
        }
    }

    private HttpResponse<InputStream> follow() throws InterruptedException, ExecutionException, IOException {
        HttpResponse<InputStream> response = exchange.get();
        for (int i = 0; i < UpstreamRedirect.MAX_REDIRECTS; i++) {
            Optional<HttpRequest> next = UpstreamRedirect.of(response);
            if (next.isEmpty()) {
                break;
            }
            response.body().close();
            exchange = client.sendAsync(next.get(), HttpResponse.BodyHandlers.ofInputStream());
            if (closed) {
                exchange.cancel(true);
            }
            response = exchange.get();
        }
        return response;
    }

    /** Returns the content, decompressed if the upstream has compressed it although the request does not allow that. */
    private InputStream content(HttpResponse<InputStream> response) throws IOException, UpstreamFailure {
        InputStream watched = new Watched(response.body());
        String encoding = response.headers()
                .firstValue("Content-Encoding")
                .orElse("identity")
                .strip()
                .toLowerCase(Locale.ROOT);
        return switch (encoding) {
            case "identity", "" -> watched;
            case "gzip", "x-gzip" -> new GZIPInputStream(watched);
            default ->
                throw UpstreamFailure.lasting(
                        new Problem(
                                502,
                                "upstream_broken",
                                "The upstream answered with the content encoding \"" + encoding + "\"."),
                        null);
        };
    }

    /** Returns the first bytes of a content that is not a stream. */
    private String start(HttpResponse<InputStream> response) throws IOException, UpstreamFailure {
        try (InputStream in = content(response)) {
            return new String(in.readNBytes(MAX_ERROR_BYTES), StandardCharsets.UTF_8);
        }
    }

    private static UpstreamFailure otherThanStream(String type, String start) {
        try {
            UpstreamFailure error = UpstreamErrors.inStream(Json.parse(start));
            if (error != null) {
                return error;
            }
        } catch (JsonProcessingException e) {
            // The failure below reports it.
        }
        return UpstreamFailure.lasting(
                new Problem(502, "upstream_broken", "The upstream answered with \"" + type + "\" instead of a stream."),
                null);
    }

    /**
     * Returns the data of the next event; null at the end of the stream. Blocks until it arrives.
     *
     * @throws UpstreamFailure if the connection is lost
     */
    @Nullable
    String nextData() throws UpstreamFailure {
        UpstreamEvents from = events;
        if (from == null) {
            throw new IllegalStateException("the call is not open");
        }
        try {
            String data = from.nextData();
            if (data == null && closed) {
                throw failure("upstream_closed", "The call of the upstream was closed.", null);
            }
            return data;
        } catch (IOException e) {
            throw failure("upstream_cut", "The upstream's answer was cut before its end.", e);
        }
    }

    /** Reads what follows the last event, for a short time, so that the connection can be used again. */
    void drain() {
        timer.schedule(this::close, DRAIN_MILLIS, TimeUnit.MILLISECONDS);
        try {
            String data = nextData();
            while (data != null) {
                data = nextData();
            }
        } catch (UpstreamFailure e) {
            // The answer was complete before.
        }
    }

    private void closeIfLate() {
        if (waits && System.nanoTime() - waitsSince >= patienceNanos) {
            late = true;
            close();
        }
    }

    /** Returns the failure of a read. If the upstream sent nothing for too long, returns a failure that says so. */
    private UpstreamFailure failure(String code, String detail, @Nullable Exception cause) {
        if (late) {
            long millis = TimeUnit.NANOSECONDS.toMillis(patienceNanos);
            String time = millis % 1000 == 0 ? millis / 1000 + " seconds." : millis + " milliseconds.";
            return UpstreamFailure.lasting(
                    new Problem(504, "upstream_timeout", "The upstream sent nothing for " + time), cause);
        }
        Problem problem = new Problem(502, code, detail);
        return closed ? UpstreamFailure.lasting(problem, cause) : UpstreamFailure.passing(problem, null, cause);
    }

    /** Aborts the connection, if it has not ended. Another call changes nothing. */
    @Override
    public void close() {
        closed = true;
        watch.cancel(false);
        CompletableFuture<HttpResponse<InputStream>> current = exchange;
        if (!current.cancel(true) && !current.isCompletedExceptionally()) {
            try {
                current.join().body().close();
            } catch (IOException e) {
                // The call is being closed, so a failure does not matter.
            }
        }
    }

    /** Notes when the reading thread waits for the upstream. */
    private final class Watched extends FilterInputStream {

        Watched(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            waitsSince = System.nanoTime();
            waits = true;
            try {
                return super.read(bytes, offset, length);
            } finally {
                waits = false;
            }
        }
    }
}
