// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the list of the models of an upstream. When the list is more than ten seconds old, requests it again, and returns the old list until
 * the new one has arrived. So only callers that find no list wait for the upstream, and they all wait for the same request.
 *
 * <p>Thread-safe.
 */
final class UpstreamList {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration LIFETIME = Duration.ofSeconds(10);

    private final HttpClient client;
    private final HttpRequest request;
    private final String prefix;
    private final long lifetimeNanos;

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private @Nullable List<Model> list;
    private long listedAt;
    private @Nullable CompletableFuture<List<Model>> running;

    /**
     * Creates an empty list.
     *
     * @param client does not follow redirects
     * @param request requests the list
     * @param prefix what the names of the models begin with here, but not at the upstream
     */
    UpstreamList(HttpClient client, HttpRequest request, String prefix) {
        this(client, request, prefix, LIFETIME);
    }

    UpstreamList(HttpClient client, HttpRequest request, String prefix, Duration lifetime) {
        this.client = client;
        this.request = HttpRequest.newBuilder(request, (name, value) -> true)
                .timeout(LIMIT)
                .build();
        this.prefix = prefix;
        this.lifetimeNanos = lifetime.toNanos();
    }

    /**
     * Returns the models.
     *
     * @throws ProblemException with status 503 if the upstream does not answer
     */
    List<Model> models() {
        CompletableFuture<List<Model>> next;
        lock.lock();
        try {
            List<Model> known = list;
            if (known != null) {
                if (!fresh()) {
                    refresh();
                }
                return known;
            }
            next = refresh();
        } finally {
            lock.unlock();
        }
        return await(next);
    }

    /**
     * Returns whether the upstream has a model. If an old list does not have it, waits for a new one.
     *
     * @throws ProblemException with status 503 if the upstream does not answer
     */
    boolean has(String id) {
        if (contains(models(), id)) {
            return true;
        }
        CompletableFuture<List<Model>> next;
        lock.lock();
        try {
            if (list != null && fresh()) {
                return false;
            }
            next = refresh();
        } finally {
            lock.unlock();
        }
        return contains(await(next), id);
    }

    private static boolean contains(List<Model> models, String id) {
        return models.stream().anyMatch(model -> model.id().equals(id));
    }

    private boolean fresh() {
        return System.nanoTime() - listedAt < lifetimeNanos;
    }

    /** Requests the list, if no request is running. The caller holds the lock. */
    @SuppressWarnings("FutureReturnValueIgnored")
    private CompletableFuture<List<Model>> refresh() {
        CompletableFuture<List<Model>> current = running;
        if (current != null) {
            return current;
        }
        CompletableFuture<List<Model>> next = new CompletableFuture<>();
        running = next;
        send(request, UpstreamRedirect.MAX_REDIRECTS).thenApply(this::read).whenComplete((models, failure) -> {
            lock.lock();
            try {
                running = null;
                list = models;
                listedAt = System.nanoTime();
            } finally {
                lock.unlock();
            }
            if (failure == null) {
                next.complete(models);
            } else {
                next.completeExceptionally(failure.getCause() instanceof ProblemException known ? known : failure);
            }
        });
        return next;
    }

    private CompletableFuture<HttpResponse<String>> send(HttpRequest to, int redirects) {
        return client.sendAsync(to, HttpResponse.BodyHandlers.ofString())
                .thenCompose(response -> UpstreamRedirect.of(response)
                        .filter(next -> redirects > 0)
                        .map(next -> send(next, redirects - 1))
                        .orElseGet(() -> CompletableFuture.completedFuture(response)));
    }

    private List<Model> read(HttpResponse<String> response) {
        if (response.statusCode() != 200) {
            throw unavailable("answered with status " + response.statusCode(), null);
        }
        try {
            List<Model> models = new ArrayList<>();
            for (JsonNode json : Json.parse(response.body()).path("data")) {
                models.add(new Model(
                        prefix + json.path("id").asText(),
                        Instant.ofEpochSecond(json.path("created").asLong()),
                        json.path("owned_by").asText("upstream")));
            }
            return List.copyOf(models);
        } catch (JsonProcessingException e) {
            throw unavailable("answered with something that is not JSON", e);
        }
    }

    private static List<Model> await(CompletableFuture<List<Model>> next) {
        try {
            return next.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ProblemException known) {
                throw new ProblemException(known.problem(), known);
            }
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
}
