// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Plays one client: sends a request, follows the redirect, and passes the answer to its {@link StormStream}. */
final class StormReader implements StormStream.Counter {

    /** The states of a client. */
    enum State {
        /** The client is not connected, or has no answer yet. */
        ASKING,
        /** The stream has begun. */
        READING,
        /** The stream has ended, and then the answer has ended. */
        COMPLETE,
        /** The server closed the connection before the end of the stream, or the answer was no stream. */
        LOST
    }

    private enum Part {
        HEAD,
        SKIPPED_BODY,
        CHUNK_SIZE,
        CHUNK,
        CHUNK_END,
        TRAILER
    }

    private final StormRun run;
    private String target;
    private @Nullable SocketChannel socket;
    private @Nullable SelectionKey key;

    private State state = State.ASKING;
    private Part part = Part.HEAD;
    private int status;
    private @Nullable String location;
    private long left;
    private long chunkSize;
    private boolean redirected;
    private final Line headLine = new Line();
    private final StormStream stream = new StormStream(this);
    private boolean slow;

    StormReader(StormRun run, String target) {
        this.run = run;
        this.target = target;
    }

    State state() {
        return state;
    }

    /** Returns how many events have arrived. If none is missing, the storm has the same number of events. */
    int events() {
        return stream.events();
    }

    /** Returns the target of the last request; after the redirect this is the target of the stream. */
    String target() {
        return target;
    }

    void open() throws IOException {
        state = State.ASKING;
        part = Part.HEAD;
        status = 0;
        chunkSize = 0;
        headLine.clear();
        stream.forgetPart();
        SocketChannel opened = SocketChannel.open();
        opened.configureBlocking(false);
        opened.setOption(StandardSocketOptions.TCP_NODELAY, true);
        socket = opened;
        if (opened.connect(run.server(isStream(target)))) {
            key = opened.register(run.selector(), SelectionKey.OP_READ, this);
            ask();
        } else {
            key = opened.register(run.selector(), SelectionKey.OP_CONNECT, this);
        }
    }

    /** Resets the connection without closing the stream first, as a network failure does. */
    void cut() throws IOException {
        SocketChannel open = socket;
        if (open != null && open.isOpen()) {
            open.setOption(StandardSocketOptions.SO_LINGER, 0);
            open.close();
        }
    }

    /** Makes this reader slow. Its late reads say nothing about the server, so their latency does not count. */
    void setSlow() {
        slow = true;
        setReading(false);
    }

    void setReading(boolean reading) {
        SelectionKey registered = key;
        if (registered != null && registered.isValid()) {
            registered.interestOps(reading ? SelectionKey.OP_READ : 0);
        }
    }

    void onConnected() throws IOException {
        SocketChannel open = socket;
        SelectionKey registered = key;
        if (open != null && registered != null && open.finishConnect()) {
            registered.interestOps(SelectionKey.OP_READ);
            ask();
        }
    }

    private void ask() throws IOException {
        StringBuilder request = new StringBuilder("GET ").append(target).append(" HTTP/1.1\r\nHost: storm\r\n");
        if (stream.isResumable()) {
            request.append("Last-Event-ID: ").append(stream.lastEventId()).append("\r\n");
        }
        ByteBuffer bytes = ByteBuffer.wrap(request.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        SocketChannel open = socket;
        while (open != null && bytes.hasRemaining()) {
            open.write(bytes);
        }
    }

    /** Reads the bytes that have arrived, through a buffer that all clients share. */
    void onReadable(ByteBuffer shared) throws IOException {
        SocketChannel open = socket;
        if (open == null) {
            return;
        }
        shared.clear();
        int count;
        try {
            count = open.read(shared);
        } catch (IOException e) {
            count = -1;
        }
        if (count < 0) {
            finish(State.LOST);
            return;
        }
        long now = System.nanoTime();
        shared.flip();
        // A redirect may have led to another connection.
        while (shared.hasRemaining() && socket == open && (state == State.ASKING || state == State.READING)) {
            take(shared.get(), now);
        }
    }

    private void finish(State how) throws IOException {
        SocketChannel open = socket;
        if (open != null) {
            open.close();
        }
        boolean asked = state == State.ASKING;
        state = how;
        run.finished(asked);
    }

    private void take(byte b, long now) throws IOException {
        switch (part) {
            case HEAD -> {
                if (b == '\n') {
                    String text = headLine.text(StandardCharsets.ISO_8859_1);
                    headLine.clear();
                    onHeadLine(text);
                } else if (b != '\r') {
                    headLine.append(b);
                }
            }
            case SKIPPED_BODY -> {
                if (--left == 0) {
                    follow();
                }
            }
            case CHUNK_SIZE -> {
                if (b == '\n') {
                    left = chunkSize;
                    chunkSize = 0;
                    part = left == 0 ? Part.TRAILER : Part.CHUNK;
                } else if (b != '\r') {
                    chunkSize = chunkSize * 16 + Character.digit(b, 16);
                }
            }
            case CHUNK -> {
                stream.take(b, now);
                if (--left == 0) {
                    part = Part.CHUNK_END;
                }
            }
            case CHUNK_END -> {
                if (b == '\n') {
                    part = Part.CHUNK_SIZE;
                }
            }
            case TRAILER -> {
                if (b == '\n') {
                    finish(isWhole() ? State.COMPLETE : State.LOST);
                }
            }
        }
    }

    private void onHeadLine(String text) throws IOException {
        if (status == 0) {
            status = Integer.parseInt(text.substring(9, 12));
        } else if (text.isEmpty()) {
            onHeadEnd();
        } else {
            int colon = text.indexOf(':');
            String value = text.substring(colon + 1).strip();
            switch (text.substring(0, colon).toLowerCase(Locale.ROOT)) {
                case "location" -> location = value;
                case "content-length" -> left = Long.parseLong(value);
                default -> {}
            }
        }
    }

    private void onHeadEnd() throws IOException {
        int answer = status;
        status = 0;
        if (answer == 303 && location != null) {
            target = location;
            redirected = true;
            if (left == 0) {
                follow();
            } else {
                part = Part.SKIPPED_BODY;
            }
        } else if (answer == 200) {
            part = Part.CHUNK_SIZE;
            state = State.READING;
            run.began();
        } else if (answer == 204 && stream.isResumable()) {
            finish(State.COMPLETE);
        } else {
            run.refused(answer);
            finish(State.LOST);
        }
    }

    private void follow() throws IOException {
        location = null;
        if (run.server(true).equals(run.server(false))) {
            part = Part.HEAD;
            ask();
        } else {
            SocketChannel open = socket;
            if (open != null) {
                open.close();
            }
            open();
        }
    }

    private static boolean isStream(String target) {
        return !target.startsWith(Storm.PATH);
    }

    /**
     * Returns whether the whole stream has arrived. A server that does not redirect sends no event for the end, so its stream is whole if
     * all events have arrived.
     */
    private boolean isWhole() {
        return stream.isEnded()
                || (!redirected && stream.events() == run.storm().events());
    }

    @Override
    public void delivered(long nanos) {
        run.delivered(nanos, slow);
    }

    @Override
    public void gap(long events) {
        run.gap(events);
    }

    @Override
    public void duplicate() {
        run.duplicate();
    }
}
