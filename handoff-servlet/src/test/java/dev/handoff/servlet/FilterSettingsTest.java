// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.handoff.Handoff;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletRegistration;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class FilterSettingsTest {

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final Handoff handoff = Handoff.builder(
                    InProcessTaskDispatcher.builder(store, timer).build(),
                    store,
                    TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
            .build();
    private final EventStreamServlet events =
            EventStreamServlet.builder(handoff, timer).build();

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    @Test
    @DisplayName("R15 limits on bodies that make no sense are refused by name and value")
    void limits() {
        HandoffFilter.Builder builder = HandoffFilter.builder(handoff);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxBodyBytesInFlight(2))
                .withMessage("maxBodyBytesInFlight is less than 3: 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.bodyDeadline(Duration.ZERO))
                .withMessage("bodyDeadline is less than a millisecond: PT0S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.minBodyRate(-1))
                .withMessage("minBodyRate is negative: -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxWaitingBodies(0))
                .withMessage("maxWaitingBodies is not positive: 0");
    }

    @Test
    @DisplayName("a route joins no retries unless it says so, and then for a positive time")
    void joiningRetries() {
        HandoffRoute route = request -> Optional.empty();
        assertThat(route.joinRetriesWithin()).isZero();
        HandoffRoute joining = HandoffRoute.joiningRetries(Duration.ofMinutes(5), route);
        assertThat(joining.joinRetriesWithin()).isEqualTo(Duration.ofMinutes(5));
        for (Duration bad : new Duration[] {Duration.ZERO, Duration.ofSeconds(-1)}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> HandoffRoute.joiningRetries(bad, route))
                    .withMessage("within is not positive: " + bad);
        }
    }

    @Test
    @DisplayName("a filter without routes, and a mapping that is not a prefix, are not registered")
    void registrationArguments() {
        ServletContext untouched = stub(ServletContext.class, (proxy, method, arguments) -> {
            throw new AssertionError(method.getName());
        });
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HandoffServlets.register(
                        untouched, HandoffFilter.builder(handoff).build()))
                .withMessage("the filter has no routes");
        for (String bad : new String[] {"", "/*x", "events/*", "/events", "/events/"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> HandoffServlets.register(untouched, events, bad))
                    .withMessageEndingWith(": " + bad);
        }
    }

    @Test
    @DisplayName("a path that another servlet has already is refused by name")
    void mappingTaken() {
        ServletRegistration.Dynamic registration = stub(
                ServletRegistration.Dynamic.class,
                (proxy, method, arguments) -> method.getName().equals("addMapping") ? Set.of("/events/*") : null);
        ServletContext context = stub(ServletContext.class, (proxy, method, arguments) -> registration);
        assertThatIllegalStateException()
                .isThrownBy(() -> HandoffServlets.register(context, events, "/events/*"))
                .withMessageContaining("/events/*");
    }

    private static <T> T stub(Class<T> type, InvocationHandler calls) {
        return type.cast(
                Proxy.newProxyInstance(FilterSettingsTest.class.getClassLoader(), new Class<?>[] {type}, calls));
    }
}
