// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.Handoff;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.task.Task;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Dispatches a task for each request and answers with the redirect to its stream. */
final class TaskWebHandler implements WebHandler {

    private static final int MAX_BODY_BYTES = 1 << 20;

    private final Handoff handoff;
    private final Function<HandoffRequest, Task> tasks;
    private final Scheduler blocking;

    /**
     * Creates a handler.
     *
     * @param tasks returns the task of a request
     * @param blocking runs the calls of the dispatcher, which may block
     */
    TaskWebHandler(Handoff handoff, Function<HandoffRequest, Task> tasks, Scheduler blocking) {
        this.handoff = handoff;
        this.tasks = tasks;
        this.blocking = blocking;
    }

    @Override
    public Mono<Void> handle(ServerWebExchange exchange) {
        return DataBufferUtils.join(exchange.getRequest().getBody(), MAX_BODY_BYTES)
                .map(buffer -> {
                    byte[] body = new byte[buffer.readableByteCount()];
                    buffer.read(body);
                    DataBufferUtils.release(buffer);
                    return body;
                })
                .defaultIfEmpty(new byte[0])
                .zipWith(exchange.getPrincipal()
                        .map(principal -> principal.getName())
                        .defaultIfEmpty(""))
                .publishOn(blocking)
                .map(both ->
                        reply(new WebFluxRequest(exchange, both.getT2().isEmpty() ? null : both.getT2(), both.getT1())))
                .flatMap(reply -> ReactiveReplies.write(exchange.getResponse(), reply));
    }

    private Reply reply(HandoffRequest request) {
        try {
            return handoff.begin(request, tasks.apply(request));
        } catch (ProblemException e) {
            return e.problem().toReply();
        }
    }
}
