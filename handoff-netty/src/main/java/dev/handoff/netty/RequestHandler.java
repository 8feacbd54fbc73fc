// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.StreamEndpoint;
import dev.handoff.check.Errors;
import dev.handoff.delivery.Feed;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the requests of one connection, or of one stream over HTTP/2, one after the other, and has them answered on the executor. It closes a
 * connection whose client takes nothing until the write deadline, and one that sends no request for too long. Only the event loop uses it,
 * except {@link #onLoop} and {@link #isWritable}.
 */
abstract class RequestHandler extends ChannelInboundHandlerAdapter {

    /** How long a response that is complete waits for a request body of which nothing arrives. */
    private static final long BODY_PATIENCE_MILLIS = 1000;

    private static final Logger logger = LoggerFactory.getLogger(RequestHandler.class);

    private final Responses responses;

    private @Nullable ChannelHandlerContext context;
    private @Nullable Ticks ticks;
    /** The place in the list of {@link Ticks}. */
    int place = -1;

    /** The request that is being answered; null while the connection waits for one. */
    private @Nullable HttpRequest request;
    /** A request that came before the previous one was answered. */
    private @Nullable HttpRequest next;

    private @Nullable Wire wire;
    /** The response that the server sends now; null before it begins, and after its end. */
    private @Nullable Response response;

    private boolean keepAlive;
    /** Whether the body of the request was read to its end, or will not be read. */
    private boolean bodyRead;
    /** Whether the response is complete. */
    private boolean complete;
    /** Whether the connection is about to close, so that no further request is read. */
    private boolean closing;
    /** When the connection began to wait for a request, the response was complete, or a part of the body came last. */
    private long since;

    private long completeAt;

    // The write deadline.
    private long written;
    private long taken;
    private long takenAt;

    RequestHandler(Responses responses) {
        this.responses = responses;
    }

    /** Returns the response to a request. */
    abstract Wire wire(ChannelHandlerContext context, boolean http11);

    /** Returns whether several requests may come, one after the other. */
    abstract boolean isPersistent();

    private ChannelHandlerContext context() {
        return Objects.requireNonNull(context);
    }

    private Channel channel() {
        return context().channel();
    }

    private Wire wire() {
        return Objects.requireNonNull(wire);
    }

    final EventLoop loop() {
        return channel().eventLoop();
    }

    /** Runs a job on the event loop, or the other one in this thread if the server has closed. */
    final void onLoop(Runnable job, Runnable closed) {
        try {
            loop().execute(job);
        } catch (RejectedExecutionException e) {
            logger.debug("the event loop has stopped", e);
            closed.run();
        }
    }

    /** Returns whether the channel takes more. Any thread may call this. */
    final boolean isWritable() {
        return channel().isWritable();
    }

    /** Counts bytes that are about to be written, for the write deadline. */
    final void wrote(ByteBuf buffer) {
        wrote(buffer.readableBytes());
    }

    final void wrote(int bytes) {
        written += bytes;
    }

    // Called by Netty

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        since = responses.now();
        takenAt = since;
        Ticks ticks = responses.ticks(context.channel().eventLoop());
        this.ticks = ticks;
        ticks.add(this);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        leave();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        leave();
        context.fireChannelInactive();
    }

    private void leave() {
        closing = true;
        if (ticks != null) {
            ticks.remove(this);
        }
        next = null;
        Response current = response;
        if (current != null) {
            response = null;
            current.onClosed();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (closing) {
                return;
            }
            if (message instanceof HttpRequest received) {
                if (request == null) {
                    begin(received);
                } else {
                    next = received;
                    context.channel().config().setAutoRead(false);
                }
            }
            // A full request is both.
            if (message instanceof HttpContent) {
                since = responses.now();
                if (message instanceof LastHttpContent && next == null) {
                    bodyRead = true;
                    continueIfComplete();
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        Response current = response;
        if (current != null && context.channel().isWritable()) {
            current.onWritable();
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        logger.debug("a connection failed", cause);
        context.close();
    }

    // Requests

    private void begin(HttpRequest received) {
        request = received;
        bodyRead = false;
        complete = false;
        Wire answering = wire(context(), received.protocolVersion().compareTo(HttpVersion.HTTP_1_1) >= 0);
        wire = answering;
        boolean expects = received.headers().contains(HttpHeaderNames.EXPECT);
        // A client that expects an interim response does not send its body when it gets a final one.
        bodyRead = expects;
        keepAlive = HttpUtil.isKeepAlive(received)
                && received.protocolVersion().compareTo(HttpVersion.HTTP_1_1) >= 0
                && !expects;
        int refused = refusal(received);
        if (refused != 0) {
            refuse(refused);
            return;
        }
        QueryStringDecoder target = new QueryStringDecoder(received.uri());
        String path;
        try {
            path = target.path();
        } catch (IllegalArgumentException e) {
            logger.debug("a path is not encoded correctly", e);
            refuse(400);
            return;
        }
        String query = received.uri().indexOf('?') < 0 ? null : target.rawQuery();
        answer(new NettyRequest(received.method().name(), path, query, received.headers()));
    }

    private void refuse(int status) {
        keepAlive = false;
        bodyRead = true;
        write(Reply.of(status), new byte[0], null);
    }

    /** Returns the status of a request that is not valid HTTP; 0 if it is valid. */
    private static int refusal(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            Throwable cause = request.decoderResult().cause();
            if (cause instanceof TooLongHttpLineException) {
                return 414;
            }
            return cause instanceof TooLongHttpHeaderException ? 431 : 400;
        }
        // RFC 9112, 3.2
        boolean http11 = request.protocolVersion().equals(HttpVersion.HTTP_1_1);
        int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
        return (http11 && hosts == 0) || hosts > 1 ? 400 : 0;
    }

    private void answer(HandoffRequest request) {
        try {
            responses.executor().execute(() -> answerNow(request));
        } catch (RejectedExecutionException e) {
            logger.debug("the executor rejected a request", e);
            Reply busy = ProblemCode.OVERLOADED
                    .problem("The server is busy. Try again.")
                    .toReply()
                    .withDefault("Retry-After", "1")
                    .with("x-should-retry", "false");
            write(busy, busy.bytes(), null);
        }
    }

    /** Answers a request. Runs on the executor. */
    private void answerNow(HandoffRequest request) {
        try {
            String path = responses.streamPath(request.path());
            Function<HandoffRequest, Reply> other = responses.reply(request.path());
            if (path != null) {
                answerStream(request, path);
            } else if (other != null) {
                reply(answerOther(request, other));
            } else {
                reply(Reply.of(404));
            }
        } catch (Throwable e) {
            logger.error("a request could not be answered", e);
            onLoop(() -> refuse(500), () -> {});
            Errors.rethrowFatal(e);
        }
    }

    private static Reply answerOther(HandoffRequest request, Function<HandoffRequest, Reply> other) {
        return switch (request.method()) {
            case "GET", "HEAD" -> other.apply(request);
            case "OPTIONS" -> Reply.of(204).with("Allow", "GET, HEAD, OPTIONS");
            default -> {
                Problem problem = ProblemCode.METHOD_NOT_ALLOWED.problem("Only GET, HEAD, OPTIONS can be used here.");
                yield problem.toReply().with("Allow", "GET, HEAD, OPTIONS");
            }
        };
    }

    private void answerStream(HandoffRequest request, String path) {
        StreamEndpoint.Answer answer = responses.endpoint().answer(request, path);
        if (answer instanceof StreamEndpoint.Whole whole) {
            reply(whole.reply());
        } else if (answer instanceof StreamEndpoint.Events events) {
            start(
                    new EventResponse(responses, this, wire(), events.feed(), events.headers()),
                    events.feed(),
                    events.headers());
        } else if (answer instanceof StreamEndpoint.Document document) {
            start(
                    new DocumentResponse(responses, this, document.feed(), document.headers()),
                    document.feed(),
                    document.headers());
        }
    }

    private void start(StreamResponse response, Feed feed, Map<String, List<String>> headers) {
        try {
            response.start();
        } catch (Throwable e) {
            reply(Replies.merge(headers, feed.error(e)));
        }
    }

    private void reply(Reply reply) {
        byte[] bytes = reply.bytes();
        onLoop(() -> write(reply, bytes, null), () -> {});
    }

    // The response

    /** Makes a response the one that is being sent. Returns false if the client has left. */
    final boolean begins(Response beginning) {
        if (closing) {
            return false;
        }
        response = beginning;
        return true;
    }

    /**
     * Writes a complete reply.
     *
     * @param content the bytes of its content
     * @param owner the response of the stream that the reply belongs to; null if there is none
     */
    final void write(Reply reply, byte[] content, @Nullable StreamResponse owner) {
        boolean headOnly = request != null && request.method().equals(HttpMethod.HEAD);
        DefaultHttpResponse head =
                new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(reply.status()));
        reply.headers().forEach((name, values) -> head.headers().add(name, values));
        // The length of a GET is not known.
        boolean unknown = headOnly && reply.status() == 200 && !reply.hasBody();
        if (reply.status() != 204 && !unknown) {
            head.headers().set(HttpHeaderNames.CONTENT_LENGTH, content.length);
        }
        prepare(head);
        WholeResponse whole = new WholeResponse(this, wire(), headOnly ? new byte[0] : content, owner);
        if (begins(whole)) {
            wire().head(head);
            whole.onWritable();
        } else {
            whole.onClosed();
        }
    }

    /** Adds the fields that depend on the connection. */
    final void prepare(HttpResponse head) {
        head.headers().set(HttpHeaderNames.DATE, responses.date());
        if (responses.endpoint().isDraining()) {
            keepAlive = false;
        }
        if (!keepAlive && isPersistent()) {
            head.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
    }

    /** Notes that the end of the response was written. */
    final void completed() {
        response = null;
        complete = true;
        since = responses.now();
        completeAt = since;
        continueIfComplete();
    }

    private void continueIfComplete() {
        if (!complete || !bodyRead || closing) {
            return;
        }
        if (!keepAlive || !isPersistent()) {
            finish();
            return;
        }
        request = null;
        wire = null;
        complete = false;
        HttpRequest waiting = next;
        if (waiting != null) {
            next = null;
            begin(waiting);
            channel().config().setAutoRead(true);
        }
    }

    private void finish() {
        closing = true;
        wire().close(bodyRead);
    }

    /** Cuts the response of a stream, unless it is complete. */
    final void abort(StreamResponse stream) {
        Response current = response;
        if (current != null && current.belongsTo(stream)) {
            abort();
        }
    }

    private void abort() {
        closing = true;
        response = null;
        wire().abort();
    }

    // The periodic work

    /** Checks deadlines and lets the response send a heartbeat. Never blocks. */
    final void onTick(long now) {
        if (isTooSlow(now)) {
            Response current = response;
            if (current != null) {
                current.tooSlow();
            }
            abort();
            if (current != null) {
                current.onClosed();
            }
            return;
        }
        Response current = response;
        if (current != null) {
            current.onTick();
        } else if (request == null) {
            if (!closing && now - since >= responses.requestMillis()) {
                closing = true;
                context().close();
            }
        } else if (complete && !bodyRead) {
            boolean over = now - completeAt >= responses.writeDeadlineMillis() || now - since >= BODY_PATIENCE_MILLIS;
            if (over && !closing) {
                finish();
            }
        }
    }

    private boolean isTooSlow(long now) {
        Wire answering = wire;
        if (answering == null) {
            takenAt = now;
            return false;
        }
        long pending = answering.pending();
        long taken = written - pending;
        if (pending == 0 || taken > this.taken) {
            takenAt = now;
        }
        this.taken = taken;
        return now - takenAt >= responses.writeDeadlineMillis();
    }
}
