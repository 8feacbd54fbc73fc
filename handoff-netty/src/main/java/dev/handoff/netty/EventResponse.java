// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends a stream to one client event by event.
 *
 * <p>A turn produces parts into one buffer, and leaves it in a slot. The event loop takes the buffer out and writes it. While the loop has
 * not taken it, later parts are appended to it, so one write carries all events that came meanwhile. A turn produces nothing while the slot
 * is full or the channel is not writable.
 */
final class EventResponse extends StreamResponse implements Runnable {

    /** How long a client has to read the last event before the connection is aborted. */
    private static final long ABORT_PAUSE_MILLIS = 100;

    /** How many bytes the slot may hold when another part is produced. */
    private static final int SLOT_BYTES = 16 << 10;

    /** How many parts a thread produces before another one goes on, because the thread may be the one that appends to the stream. */
    private static final int MAX_PARTS = 8;

    private static final VarHandle SLOT;
    private static final VarHandle SCHEDULED;

    static {
        try {
            SLOT = MethodHandles.lookup().findVarHandle(EventResponse.class, "slot", Object.class);
            SCHEDULED = MethodHandles.lookup().findVarHandle(EventResponse.class, "scheduled", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A buffer that ends within a frame, so that no heartbeat may follow it. */
    private record Unfinished(ByteBuf buffer) {}

    /**
     * The last buffer of the response.
     *
     * @param buffer the buffer; null if there is nothing to write
     * @param whole whether the response is complete
     */
    private record Last(@Nullable ByteBuf buffer, boolean whole) {}

    private final EventFeed feed;
    private final Wire wire;
    private final Heartbeat heartbeat;
    /** The header fields, until they are written. */
    private @Nullable Map<String, List<String>> headers;

    /** The part that the event loop writes next: a ByteBuf, an {@link Unfinished} or a {@link Last}; null if there is none. */
    @SuppressWarnings("unused")
    private volatile @Nullable Object slot;
    /** Whether the event loop is going to look into the slot. */
    @SuppressWarnings("unused")
    private volatile boolean scheduled;
    /** Whether the last turn stopped because the slot was full or the channel not writable. */
    private volatile boolean waiting;

    // Only with the turn.
    private final Output output = new Output();
    private int slotBytes;

    // Only on the event loop.
    private boolean betweenFrames = true;
    private boolean lastWritten;

    EventResponse(
            Responses responses, RequestHandler handler, Wire wire, EventFeed feed, Map<String, List<String>> headers) {
        super(responses, handler, feed);
        this.wire = wire;
        this.feed = feed;
        this.headers = headers;
        this.heartbeat = responses.heartbeat(feed);
    }

    @Override
    void begin() {
        DefaultHttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        if (headers != null) {
            headers.forEach((name, values) -> head.headers().add(name, values));
            headers = null;
        }
        handler.prepare(head);
        wire.head(head);
        wire.flush();
    }

    @Override
    boolean isSlow() {
        return feed.isSlow();
    }

    // With the turn

    @Override
    boolean produce() {
        while (hasRoom()) {
            if (parts == MAX_PARTS) {
                if (handOver()) {
                    return true;
                }
                parts = 0;
            }
            parts++;
            caughtUp = false;
            Produced produced = output.produce();
            if (produced == Produced.LAST || produced == Produced.TRUNCATED) {
                done = true;
                offer(new Last(output.take(), produced == Produced.LAST));
                return false;
            }
            ByteBuf buffer = output.take();
            if (buffer != null) {
                slotBytes = buffer.readableBytes();
                offer(feed.isWithinPart() ? new Unfinished(buffer) : buffer);
            }
            if (produced != Produced.PART) {
                caughtUp = true;
                return false;
            }
        }
        feed.onBlocked();
        return false;
    }

    private boolean hasRoom() {
        if (isFree()) {
            return true;
        }
        // Set first, since the event loop may make room before the second look.
        waiting = true;
        if (isFree()) {
            waiting = false;
            return true;
        }
        return false;
    }

    private boolean isFree() {
        if (slot == null) {
            slotBytes = 0;
        }
        return slotBytes < SLOT_BYTES && handler.isWritable();
    }

    private void offer(Object part) {
        SLOT.setVolatile(this, part);
        if (!(boolean) SCHEDULED.getAndSet(this, true)) {
            handler.onLoop(this, this::releaseSlot);
        }
    }

    private void releaseSlot() {
        Object part = SLOT.getAndSet(this, null);
        ByteBuf buffer = part instanceof Last last ? last.buffer() : bufferOf(part);
        if (buffer != null) {
            buffer.release();
        }
    }

    private static @Nullable ByteBuf bufferOf(@Nullable Object part) {
        return part instanceof Unfinished unfinished ? unfinished.buffer() : (ByteBuf) part;
    }

    // On the event loop

    /** Writes what is in the slot. */
    @Override
    public void run() {
        SCHEDULED.setVolatile(this, false);
        if (hasEnded()) {
            releaseSlot();
            return;
        }
        Object part = SLOT.getAndSet(this, null);
        if (part == null) {
            return;
        }
        if (part instanceof Last last) {
            writeLast(last);
            return;
        }
        ByteBuf buffer = bufferOf(part);
        if (buffer != null) {
            betweenFrames = part == buffer;
            wire.write(buffer);
            handler.wrote(buffer);
            wire.flush();
        }
        onWritable();
    }

    private void writeLast(Last last) {
        lastWritten = true;
        ByteBuf buffer = last.buffer();
        if (last.whole()) {
            if (buffer != null) {
                wire.write(buffer);
            }
            wire.end().addListener(written -> onClosed());
            handler.completed();
        } else if (buffer != null) {
            ChannelFuture written = wire.writeLast(buffer);
            written.addListener(taken -> {
                if (taken.isSuccess()) {
                    abortSoon();
                } else {
                    onClosed();
                }
            });
        } else {
            abortSoon();
        }
    }

    /**
     * Aborts after a pause. Some clients, among them that of the JDK, drop the bytes that they have received but not read when the connection
     * breaks, and with them the last event.
     */
    @SuppressWarnings("FutureReturnValueIgnored")
    private void abortSoon() {
        handler.loop().schedule(this::giveUp, ABORT_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void onWritable() {
        if (waiting && handler.isWritable()) {
            waiting = false;
            elsewhere();
        }
    }

    @Override
    public void onClosed() {
        super.onClosed();
        releaseSlot();
    }

    @Override
    public void onTick() {
        super.onTick();
        if (betweenFrames && !lastWritten && slot == null && handler.isWritable() && feed.heartbeat() != null) {
            wire.heartbeat(heartbeat);
            wire.flush();
            feed.heartbeatSent();
        }
        onWritable();
    }

    /** Takes the bytes of parts into the buffer of the slot. Only with the turn. */
    private final class Output extends OutputStream {

        private @Nullable ByteBuf buffer;

        Produced produce() {
            try {
                return feed.produce(this);
            } catch (IOException e) {
                throw new IllegalStateException("a buffer in memory does not fail", e);
            } catch (Throwable e) {
                ByteBuf unsent = take();
                if (unsent != null) {
                    unsent.release();
                }
                throw e;
            }
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            ByteBuf target = buffer == null ? bufferOf(SLOT.getAndSet(EventResponse.this, null)) : buffer;
            buffer = wire.frame(target, bytes, offset, length);
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Nullable
        ByteBuf take() {
            ByteBuf taken = buffer;
            buffer = null;
            return taken;
        }
    }
}
