// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.dropwizard;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.jaxrs.ProblemExceptionMapper;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import dev.handoff.token.TokenSealer;
import io.dropwizard.core.Application;
import io.dropwizard.core.Configuration;
import io.dropwizard.core.setup.Environment;
import io.dropwizard.lifecycle.AutoCloseableManager;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.util.component.LifeCycle;

/** Writes reports. {@link ReportResource} accepts the requests, and the streaming server is mapped to {@code /events/*}. */
public class ReportApplication extends Application<Configuration> {

    private static final int THREADS = 16;
    private static final int PAGES = 3;

    /** Starts the application with the arguments {@code server config.yml}. */
    public static void main(String[] args) throws Exception {
        new ReportApplication().run(args);
    }

    @Override
    public void run(Configuration configuration, Environment environment) {
        EventStore store = InMemoryEventStore.create();
        ExecutorService executor = environment
                .lifecycle()
                .executorService("reports-%d")
                .minThreads(THREADS)
                .maxThreads(THREADS)
                .build();
        InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
                .handler("report", ReportApplication::report)
                .build();
        environment.lifecycle().manage(new AutoCloseableManager(dispatcher));
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(randomSecret()))
                .build();

        environment.jersey().register(new BasicAuthentication());
        environment.jersey().register(new ProblemExceptionMapper());
        environment.jersey().register(new ReportResource(handoff));
        EventStreamServlet events =
                EventStreamServlet.builder(StreamEndpoint.of(handoff)).build();
        environment
                .getApplicationContext()
                .addServletContainerInitializer(
                        (types, context) -> HandoffServlets.register(context, events, "/events/*"));
        environment.lifecycle().addEventListener(new DrainAtStop(events));
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

    /** Interrupts the streams before Jetty stops. Otherwise Jetty would close their connections first. */
    private record DrainAtStop(EventStreamServlet events) implements LifeCycle.Listener {

        @Override
        public void lifeCycleStopping(LifeCycle server) {
            events.drain().join();
        }
    }
}
