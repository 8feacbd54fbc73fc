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

/** A storm as its clients see it: one thread reads all connections, and counts. */
final class StormRun implements AutoCloseable {

    /** How many may wait for their answer at a time: more than that is a test of the queue for new connections. */
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

    /** A reader that will be opened as soon as fewer are waiting. */
    StormReader add(String target) {
        StormReader reader = new StormReader(this, target);
        readers.add(reader);
        unopened.add(reader);
        return reader;
    }

    /** Opens the connection of a reader that was cut again. */
    void reopen(StormReader reader) {
        unopened.add(reader);
    }

    /**
     * Reads until a condition holds, which is looked at some hundred times a second.
     *
     * @return false if the time was over before
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
