package dev.handoff.examples.host;

import dev.handoff.Handoff;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.ServletContainerInitializer;
import jakarta.servlet.ServletContext;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** The host application of the README: what is between the two marks stands there word for word. */
final class HostApplication implements ServletContainerInitializer {

    private final String secret;

    HostApplication(String secret) {
        this.secret = secret;
    }

    // spotless:off
    @Override
    public void onStartup(Set<Class<?>> classes, ServletContext context) {
        // README begin
        EventStore store = InMemoryEventStore.create();
        TaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, Executors.newFixedThreadPool(16))
                .handler("report", (task, output) -> {
                    for (int page = 1; page <= 3; page++) {
                        output.emit("page", "page " + page + " about " + task.payload());   // takes its time
                    }
                }).build();
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(secret)).build();
        HandoffFilter filter = HandoffFilter.builder(handoff)
                .post("/reports", request -> Optional.of(Task.of("report", request.body()))).build();
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        HandoffServlets.register(context, filter, EventStreamServlet.builder(handoff, timer).build());
        // README end
    }
    // spotless:on
}
