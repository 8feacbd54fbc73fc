// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Holds the faults that a store or a dispatcher must raise, by the name of the method. */
final class Faults {

    /** The exceptions that code of an application may throw. */
    static final List<Supplier<Throwable>> FAILURES = List.of(
            () -> new IllegalStateException("a secret of the house"),
            () -> new NoClassDefFoundError("a secret of the house"),
            () -> new StackOverflowError("a secret of the house"),
            () -> new IOException("a secret of the house"));

    private final Map<String, Consumer<String>> byMethod = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();

    /** Makes calls of a method run an action first. The action gets the id of the stream. */
    void set(String method, Consumer<String> fault) {
        byMethod.put(method, fault);
    }

    /** Makes calls of a method throw. */
    void fail(String method, Throwable e) {
        set(method, streamId -> raise(e));
    }

    /** Makes calls of a method for one stream wait until the latch opens. */
    void hang(String method, String streamId, CountDownLatch latch) {
        set(method, id -> {
            if (id.equals(streamId)) {
                await(latch);
            }
        });
    }

    void clear() {
        byMethod.clear();
    }

    /** Returns how many times a method was called. */
    int calls(String method) {
        return calls.computeIfAbsent(method, m -> new AtomicInteger()).get();
    }

    void on(String method, String streamId) {
        calls.computeIfAbsent(method, m -> new AtomicInteger()).incrementAndGet();
        Consumer<String> fault = byMethod.get(method);
        if (fault != null) {
            fault.accept(streamId);
        }
    }

    static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Throws any exception unchecked, as other languages of the JVM can. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    static <T, E extends Throwable> T raise(Throwable e) throws E {
        throw (E) e;
    }
}
