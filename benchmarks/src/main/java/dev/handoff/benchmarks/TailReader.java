// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Checks the lines of one stream: each event is the next one of the stream, nothing is missing or doubled, and the end comes last. */
final class TailReader implements Flow.Subscriber<String> {

    private static final String DATA = "data:";
    private static final String EVENT = "event:";

    private final TailStream stream;
    private final AtomicLong received;
    private final CompletableFuture<@Nullable String> outcome = new CompletableFuture<>();
    private Flow.@Nullable Subscription subscription;
    private String type = "";
    private int next;
    private boolean ended;

    /** @param received counts the bytes of the events that were expected */
    TailReader(TailStream stream, AtomicLong received) {
        this.stream = stream;
        this.received = received;
    }

    /** Returns a future that completes when the response is over, with what went wrong; null if nothing went wrong. */
    CompletableFuture<@Nullable String> outcome() {
        return outcome;
    }

    /** Records that the request failed, before or after its answer began. */
    void failed(String reason) {
        outcome.complete(stream.id() + ": " + reason + ", after " + next + " of " + stream.events() + " events");
        Flow.Subscription open = subscription;
        if (open != null) {
            open.cancel();
        }
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        this.subscription = subscription;
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String line) {
        if (line.isEmpty()) {
            type = "";
        } else if (line.startsWith(EVENT)) {
            type = line.substring(EVENT.length()).strip();
        } else if (line.startsWith(DATA)) {
            data(line.substring(DATA.length()).strip());
        }
    }

    private void data(String data) {
        if (ended) {
            failed("the server sent more after the end");
        } else if (type.equals("completed")) {
            ended = true;
            if (next < stream.events()) {
                failed("the end came too early");
            }
        } else if (!type.isEmpty()) {
            failed("the server sent the event " + type + ": " + data);
        } else if (next >= stream.events() || !data.equals(stream.event(next))) {
            failed("the server sent another event than expected, which begins with "
                    + data.substring(0, Math.min(40, data.length())));
        } else {
            next++;
            received.addAndGet(data.length());
        }
    }

    @Override
    public void onError(Throwable e) {
        failed("the connection failed with " + e);
    }

    @Override
    public void onComplete() {
        if (ended) {
            outcome.complete(null);
        } else {
            failed("the response ended before the stream did");
        }
    }
}
