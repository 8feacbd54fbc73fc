// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.war;

import dev.handoff.Handoff;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Creates the hand-off when the application starts, and closes it when the application stops. {@code web.xml} names it. */
public final class ReportListener implements ServletContextListener {

    private static final int THREADS = 16;
    private static final int PAGES = 3;

    private @Nullable ExecutorService executor;
    private @Nullable InProcessTaskDispatcher dispatcher;

    @Override
    public void contextInitialized(ServletContextEvent event) {
        ServletContext context = event.getServletContext();
        EventStore store = InMemoryEventStore.create();
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        InProcessTaskDispatcher tasks = InProcessTaskDispatcher.builder(store, threads)
                .handler("report", ReportListener::report)
                .build();
        Handoff handoff =
                Handoff.builder(tasks, store, TokenSealer.of(randomSecret())).build();
        HandoffServlets.register(
                context,
                handoff,
                routes -> routes.post("/reports", request -> Optional.of(Task.of("report", request.body()))));
        executor = threads;
        dispatcher = tasks;
    }

    private static void report(Task task, TaskOutput output) throws InterruptedException {
        for (int page = 1; page <= PAGES; page++) {
            output.emit("page", "page " + page + " about " + task.payload() + " for " + task.subject());
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    /** A token of an earlier start is of no use, because the streams are lost with the process. So the secret need not be kept either. */
    private static String randomSecret() {
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        return Base64.getEncoder().encodeToString(secret);
    }

    @Override
    public void contextDestroyed(ServletContextEvent event) {
        if (dispatcher != null) {
            dispatcher.close();
        }
        if (executor != null) {
            executor.shutdownNow();
        }
    }
}
