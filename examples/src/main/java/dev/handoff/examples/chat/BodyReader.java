// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Reads the body of a request before the request takes a thread, so that clients that send slowly do not delay others. Answers 408 if the
 * body is too slow, 413 if it is too large, and 503 if there is no memory for it at the moment.
 *
 * <p>Thread-safe. Never blocks.
 */
final class BodyReader extends Handler.Wrapper {

    /** A refused body is read to its end and dropped, because many clients read the response only after that. */
    private static final long MAX_DROPPED_BYTES = 64 << 20;
    /** The memory of a body in addition to its bytes. */
    private static final int OVERHEAD_BYTES = 1024;

    private static final int MIN_BLOCK_BYTES = 1024;
    private static final int MAX_BLOCK_BYTES = 64 << 10;

    private final ContentLimits limits;
    private final Predicate<Request> wanted;
    private final AtomicLong held = new AtomicLong();

    /**
     * Creates a handler that reads the bodies of requests before it passes the requests on.
     *
     * @param wanted returns whether a handler behind this one reads the body of a request; other requests pass
     *     unchanged
     */
    BodyReader(ContentLimits limits, Predicate<Request> wanted, Handler next) {
        super(next);
        this.limits = limits;
        this.wanted = wanted;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        if (!HttpMethod.POST.is(request.getMethod()) || !wanted.test(request)) {
            return super.handle(request, response, callback);
        }
        new Body(request, response, callback).begin();
        return true;
    }

    /** Returns the bytes that all bodies hold now, with the overhead of each. */
    long heldBytes() {
        return held.get();
    }

    private boolean reserve(long bytes) {
        if (held.addAndGet(bytes) > limits.maxHeldBytes()) {
            held.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    /** Reads one body. Jetty calls it on any thread, but never on two at the same time. */
    private final class Body implements Runnable {

        private final Request request;
        private final Response response;
        private final Callback callback;
        private final EndPoint endPoint;
        private final long idleMillis;
        private final long begun = System.nanoTime();
        private final Queue<ByteBuffer> blocks = new ArrayDeque<>();
        private ByteBuffer block = ByteBuffer.allocate(0);
        private long received;
        private long reserved;
        private @Nullable Problem refusal;

        Body(Request request, Response response, Callback callback) {
            this.request = request;
            this.response = response;
            this.callback = callback;
            this.endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
            this.idleMillis = endPoint.getIdleTimeout();
        }

        void begin() {
            if (request.getLength() > limits.maxBytes()) {
                refusal = tooLarge();
            } else if (!reserveMore(OVERHEAD_BYTES)) {
                refusal = noRoom();
            }
            String expect = request.getHeaders().get(HttpHeader.EXPECT);
            boolean asksFirst =
                    expect != null && expect.toLowerCase(Locale.ROOT).contains("100-continue");
            if (refusal != null && (asksFirst || request.getLength() > MAX_DROPPED_BYTES)) {
                refuse(refusal);
                return;
            }
            // If nothing arrives for this time, Jetty calls back, and the rate is checked.
            endPoint.setIdleTimeout(Math.max(1, limits.grace().toMillis()));
            run();
        }

        @Override
        public void run() {
            while (true) {
                Content.Chunk chunk = request.read();
                if (chunk == null) {
                    if (limits.isTooSlow(received, Duration.ofNanos(System.nanoTime() - begun))) {
                        refuse(new Problem(408, "request_timeout", "The content came too slowly."));
                    } else {
                        request.demand(this);
                    }
                    return;
                }
                if (Content.Chunk.isFailure(chunk)) {
                    if (Content.Chunk.isFailure(chunk, false) && chunk.getFailure() instanceof TimeoutException) {
                        continue;
                    }
                    end();
                    callback.failed(chunk.getFailure());
                    return;
                }
                boolean last = chunk.isLast();
                take(chunk.getByteBuffer());
                chunk.release();
                if (refusal != null && (last || received > MAX_DROPPED_BYTES)) {
                    refuse(refusal);
                    return;
                }
                if (last) {
                    proceed();
                    return;
                }
            }
        }

        private void take(ByteBuffer bytes) {
            received += bytes.remaining();
            if (refusal == null && received > limits.maxBytes()) {
                refusal = tooLarge();
            }
            while (refusal == null && bytes.hasRemaining()) {
                if (!block.hasRemaining() && !addBlock()) {
                    refusal = noRoom();
                    break;
                }
                int length = Math.min(block.remaining(), bytes.remaining());
                block.put(bytes.slice(bytes.position(), length));
                bytes.position(bytes.position() + length);
            }
            if (refusal != null) {
                release();
            }
        }

        /** Copies the bytes to its own blocks, because a reference to one byte of a network buffer keeps the whole buffer in memory. */
        private boolean addBlock() {
            long size = Math.max(MIN_BLOCK_BYTES, Math.min(MAX_BLOCK_BYTES, received));
            long left = request.getLength() < 0 ? size : Math.max(1, request.getLength() - copied());
            int bytes = (int) Math.min(size, left);
            if (!reserveMore(bytes)) {
                return false;
            }
            block = ByteBuffer.allocate(bytes);
            blocks.add(block);
            return true;
        }

        private long copied() {
            return blocks.stream().mapToLong(ByteBuffer::position).sum();
        }

        private boolean reserveMore(int bytes) {
            boolean room = reserve(bytes);
            reserved += room ? bytes : 0;
            return room;
        }

        private void release() {
            blocks.clear();
            block = ByteBuffer.allocate(0);
            held.addAndGet(-reserved);
            reserved = 0;
        }

        private void end() {
            endPoint.setIdleTimeout(idleMillis);
            release();
        }

        private void proceed() {
            endPoint.setIdleTimeout(idleMillis);
            blocks.forEach(ByteBuffer::flip);
            Callback releasing = Callback.from(callback, this::release);
            // Runs on another thread, because this one must continue to read the connection.
            request.getComponents().getExecutor().execute(() -> {
                Request whole = new WholeRequest(request, blocks);
                try {
                    if (!BodyReader.super.handle(whole, response, releasing)) {
                        Response.writeError(whole, response, releasing, 404);
                    }
                } catch (Throwable e) {
                    Response.writeError(whole, response, releasing, e);
                }
            });
        }

        private void refuse(Problem problem) {
            end();
            Reply reply = OpenAiErrors.reply(problem).with(RequestIds.HEADER, RequestIds.random());
            response.setStatus(reply.status());
            reply.headers().forEach((name, values) -> response.getHeaders().put(name, values));
            response.getHeaders().put("X-Content-Type-Options", "nosniff");
            response.getHeaders().put(HttpHeader.CONNECTION, "close");
            byte[] body = OpenAiErrors.body(problem).getBytes(StandardCharsets.UTF_8);
            response.write(true, ByteBuffer.wrap(body), callback);
        }

        private Problem tooLarge() {
            return ProblemCode.CONTENT_TOO_LARGE.problem("The content is larger than " + limits.maxBytes() + " bytes.");
        }

        private Problem noRoom() {
            return ProblemCode.OVERLOADED.problem("There is no room for the content at the moment. Try again.");
        }
    }

    /** A request that returns a body which has been read. */
    private static final class WholeRequest extends Request.Wrapper {

        private final Queue<ByteBuffer> blocks;

        WholeRequest(Request request, Queue<ByteBuffer> blocks) {
            super(request);
            this.blocks = blocks;
        }

        @Override
        public Content.@Nullable Chunk read() {
            ByteBuffer block = blocks.poll();
            return block == null ? Content.Chunk.EOF : Content.Chunk.from(block, blocks.isEmpty());
        }

        @Override
        public void demand(Runnable demandCallback) {
            demandCallback.run();
        }

        @Override
        public void fail(Throwable failure) {
            blocks.clear();
        }
    }
}
