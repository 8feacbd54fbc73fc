// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/** Runs the clients of a storm: one thread reads all connections and counts what arrives. Not thread-safe. */
final class StormRun implements AutoCloseable {

    /** How many clients may wait for an answer at a time. With more, the storm would test the server's queue of new connections. */
    private static final int MOST_ASKING = 500;

    private static final long HIGHEST_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Storm storm;
    private final InetSocketAddress server;
    private final InetSocketAddress streamingServer;
    private final Selector selector = Selector.open();
    private final ByteBuffer shared = ByteBuffer.allocateDirect(64 << 10);
    private final List<StormReader> readers = new ArrayList<>();
    private final Queue<StormReader> unopened = new ArrayDeque<>();
    private final Histogram latency = new Histogram(HIGHEST_NANOS, 3);

    private int asking;
    private int finished;
    private long delivered;
    private long gaps;
    private long duplicates;
    private int refused;

    StormRun(URI url, URI streamsUrl, Storm storm) throws IOException {
        this.storm = storm;
        this.server = address(url);
        this.streamingServer = address(streamsUrl);
    }

    private static InetSocketAddress address(URI url) {
        return new InetSocketAddress(url.getHost(), url.getPort());
    }

    Storm storm() {
        return storm;
    }

    List<StormReader> readers() {
        return readers;
    }

    /** Adds and returns a reader. It connects as soon as fewer than {@link #MOST_ASKING} readers wait for an answer. */
    StormReader add(String target) {
        StormReader reader = new StormReader(this, target);
        readers.add(reader);
        unopened.add(reader);
        return reader;
    }

    /** Reconnects a reader that was cut, as soon as fewer than {@link #MOST_ASKING} readers wait for an answer. */
    void reopen(StormReader reader) {
        unopened.add(reader);
    }

    /**
     * Reads until a condition holds, and checks the condition about every 2 ms.
     *
     * @return whether the condition held before the time was over
     */
    boolean until(BooleanSupplier condition, long limit, TimeUnit unit) throws IOException {
        long deadline = System.nanoTime() + unit.toNanos(limit);
        long look = 0;
        while (true) {
            long now = System.nanoTime();
            if (now - look > TimeUnit.MILLISECONDS.toNanos(2) || look == 0) {
                look = now;
                if (condition.getAsBoolean()) {
                    return true;
                }
                if (now > deadline) {
                    return false;
                }
                open();
            }
            selector.select(2);
            for (SelectionKey key : selector.selectedKeys()) {
                StormReader reader = (StormReader) key.attachment();
                if (key.isValid() && key.isConnectable()) {
                    reader.onConnected();
                } else if (key.isValid() && key.isReadable()) {
                    reader.onReadable(shared);
                }
            }
            selector.selectedKeys().clear();
        }
    }

    void during(long time, TimeUnit unit) throws IOException {
        until(() -> false, time, unit);
    }

    private void open() throws IOException {
        while (asking < MOST_ASKING && !unopened.isEmpty()) {
            asking++;
            unopened.remove().open();
        }
    }

    InetSocketAddress server(boolean streaming) {
        return streaming ? streamingServer : server;
    }

    Selector selector() {
        return selector;
    }

    void began() {
        asking--;
    }

    void finished(boolean asked) {
        finished++;
        if (asked) {
            asking--;
        }
    }

    void refused(int status) {
        refused++;
        if (refused == 1) {
            System.err.println("storm: a request was answered with " + status);
        }
    }

    void delivered(long nanos, boolean slow) {
        delivered++;
        if (!slow) {
            latency.recordValue(Math.max(0, Math.min(nanos, HIGHEST_NANOS)));
        }
    }

    void gap(long events) {
        gaps += events;
    }

    void duplicate() {
        duplicates++;
    }

    long delivered() {
        return delivered;
    }

    long gaps() {
        return gaps;
    }

    long duplicates() {
        return duplicates;
    }

    boolean allReading() {
        return unopened.isEmpty() && asking == 0;
    }

    boolean allFinished() {
        return finished >= readers.size();
    }

    Histogram latency() {
        return latency;
    }

    @Override
    public void close() throws IOException {
        for (StormReader reader : readers) {
            reader.cut();
        }
        selector.close();
    }
}
