// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.Handoff;
import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class SettingsTest {

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final Handoff handoff = Handoff.builder(
                    InProcessTaskDispatcher.builder(store, timer).build(),
                    store,
                    TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
            .build();

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    @Test
    @DisplayName("settings of a streaming server that make no sense are refused by name and value")
    void streamingServer() {
        EventStreamServlet.Builder builder = EventStreamServlet.builder(handoff, timer);
        for (Duration bad : new Duration[] {Duration.ZERO, Duration.ofSeconds(-1)}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.writeDeadline(bad))
                    .withMessage("writeDeadline is not positive: " + bad);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.drainWindow(Duration.ofMillis(-1)))
                .withMessage("drainWindow is negative: PT-0.001S");
    }

    @Test
    @DisplayName("settings of a filter that make no sense are refused by name and value")
    void filter() {
        HandoffFilter.Builder builder = HandoffFilter.builder(handoff).post("/a", request -> Optional.empty());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.post("b", request -> Optional.empty()))
                .withMessageContaining("slash: b");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.route("post", "/a", request -> Optional.empty()))
                .withMessageContaining("POST /a");
        for (int bad : new int[] {0, -1, Integer.MAX_VALUE}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.maxBodyBytes(bad))
                    .withMessageContaining(Integer.toString(bad));
        }
    }

    @Test
    @DisplayName("a streaming server whose timer was stopped before it drains at once")
    void timerStopped() {
        EventStreamServlet servlet = EventStreamServlet.builder(handoff, timer).build();
        timer.shutdownNow();
        assertThat(servlet.drain()).isDone();
        servlet.destroy();
    }

    @Test
    @DisplayName("R8 a container is known by what it says of itself, or by its classes")
    void containers() {
        assertThat(Container.of(context("jetty/12.1.14"))).isEqualTo(Container.JETTY);
        assertThat(Container.of(context("Apache Tomcat/11.0.27"))).isEqualTo(Container.TOMCAT);
        assertThat(Container.of(context("Undertow - 2.3.26.Final"))).isEqualTo(Container.UNDERTOW);
        assertThat(Container.of(context("Something else"))).isEqualTo(Container.OTHER);
    }

    @Test
    @DisplayName("R8 where the container's own exception cannot be had, another one cuts the answer")
    void aborts() {
        // Its class loader knows neither Jetty's nor Tomcat's classes.
        HttpServletRequest request = stub(HttpServletRequest.class, null);
        for (Container container : new Container[] {Container.TOMCAT, Container.OTHER}) {
            assertThatThrownBy(() -> container.abort(request)).isExactlyInstanceOf(IOException.class);
        }
    }

    @Test
    @DisplayName("R8 a stream that upgrades to HTTP/2 and could not be reset is refused, and the error says what to do")
    void refusesHttp2() {
        HttpServletRequest request = stub(HttpServletRequest.class, "HTTP/2.0");
        assertThatThrownBy(() -> Container.UNDERTOW.requireReset(request))
                .isInstanceOfSatisfying(ProblemException.class, e -> {
                    assertThat(e.problem().status()).isEqualTo(505);
                    assertThat(e.problem().detail()).contains("Use HTTP/1.1");
                });
        Container.UNDERTOW.requireReset(stub(HttpServletRequest.class, "HTTP/1.1"));
    }

    private static ServletContext context(String serverInfo) {
        return stub(ServletContext.class, serverInfo);
    }

    private static <T> T stub(Class<T> type, String answer) {
        return type.cast(Proxy.newProxyInstance(
                SettingsTest.class.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    if (method.getName().equals("getServerInfo")
                            || method.getName().equals("getProtocol")
                            || method.getName().equals("getHeader")) {
                        return answer;
                    }
                    throw new UnsupportedOperationException(method.getName());
                }));
    }
}
