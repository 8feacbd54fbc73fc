// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.store.EventStore;
import dev.handoff.token.TokenSealer;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Runs application, worker and streaming server in one process, in memory. {@link #close} ends the running answers, sends their readers an
 * interruption, and returns within a few seconds.
 */
final class AllInOne implements AutoCloseable {

    private final AtomicBoolean closing = new AtomicBoolean();
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(r -> new Thread(r, "timer"));
    private final ExecutorService jobs = Executors.newCachedThreadPool(r -> new Thread(r, "jobs"));
    private final ExecutorService workers;
    private final InProcessTaskDispatcher dispatcher;
    private final EventStreamServlet streams;
    private final WebServer web;

    AllInOne(
            Environment environment,
            TokenSealer sealer,
            ListenOptions listen,
            HandoffOptions handingOff,
            AccessOptions access,
            StreamOptions streaming,
            TaskOptions tasks,
            ModelOptions modelling) {
        ModelCatalog catalog = new ModelCatalog(modelling.sources(environment, timer));
        workers = workers(tasks);
        ResponseIds ids = new ResponseIds(sealer);
        InMemoryEventStore store =
                InMemoryEventStore.builder().retention(tasks.retention).build();
        InProcessTaskDispatcher.Builder tasksHere = InProcessTaskDispatcher.builder(store, workers)
                .handler(ChatHandler.TASK_TYPE, new ChatHandler(catalog))
                .handler(ResponseHandler.TASK_TYPE, new ResponseHandler(catalog, ids))
                .retention(tasks.retention);
        tasks.cancelUnattendedAfter().ifPresent(tasksHere::cancelUnattendedAfter);
        dispatcher = tasksHere.build();
        EventStore read = new ResponseStreams(store, dispatcher, ids);
        Handoff handoff = ResponseMode.addFormats(Handoff.builder(dispatcher, read, sealer))
                .format(new OpenAiFormat())
                .format(new OpenAiResultFormat())
                .redirectPolicy(handingOff.redirect.policy())
                .grantLifetime(handingOff.tokenLifetime)
                .build();
        streams = EventStreamServlet.builder(
                        streaming
                                .endpoint(handoff)
                                .corsOrigins(access.cors.origins())
                                .build(),
                        timer)
                .executor(jobs)
                .drainWindow(streaming.drain)
                .build();
        web = new WebServer(listen.host, listen.port)
                .ready(() -> !closing.get())
                .serve(WebServer.STREAMS, streams);
        Responses responses =
                new Responses(dispatcher, store, sealer, handingOff.redirect.policy(), handingOff.tokenLifetime);
        ChatApi.addTo(web, handoff, responses, catalog, environment.apiKeys(), access);
    }

    private static ExecutorService workers(TaskOptions tasks) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                tasks.maxRunning,
                tasks.maxRunning,
                30,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(tasks.maxWaiting),
                r -> new Thread(r, "worker"));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * Starts, and returns when the server accepts requests.
     *
     * @throws StartException if the address cannot be bound
     */
    void start() {
        try {
            web.start();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Returns the address for clients on this machine. */
    URI url() {
        return URI.create(web.url());
    }

    /** Stops. Another call changes nothing. */
    @Override
    public void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        // The web server stops first, so that readers get an interruption and not the end of the answer.
        streams.drain().join();
        dispatcher.close();
        web.close();
        workers.shutdownNow();
        timer.shutdownNow();
        jobs.shutdownNow();
    }
}
