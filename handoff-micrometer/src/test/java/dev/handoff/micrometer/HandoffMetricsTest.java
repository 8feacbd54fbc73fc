// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.handoff.http.ProblemCode;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.observation.HandoffObserver.RunEnd;
import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HandoffMetricsTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final HandoffMetrics metrics = HandoffMetrics.of(registry);

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private Timer timer(String name, String... tags) {
        return registry.get(name).tags(tags).timer();
    }

    private double gauge(String name, String... tags) {
        return registry.get(name).tags(tags).gauge().value();
    }

    private Map<Meter.Id, List<Double>> values() {
        Map<Meter.Id, List<Double>> values = new LinkedHashMap<>();
        for (Meter meter : registry.getMeters()) {
            values.put(
                    meter.getId(),
                    StreamSupport.stream(meter.measure().spliterator(), false)
                            .map(Measurement::getValue)
                            .toList());
        }
        return values;
    }

    static List<Method> methods() {
        return ObserverCalls.methods();
    }

    @ParameterizedTest
    @MethodSource("methods")
    @DisplayName("each method of an observer changes a meter")
    void eachMethod(Method method) {
        if (method.getName().equals("readerClosed")) {
            metrics.readerOpened(ObserverCalls.TEXT);
        }
        // Creates the meters, whose values then change or not.
        ObserverCalls.call(metrics, method);
        Map<Meter.Id, List<Double>> before = values();
        if (method.getName().equals("pendingBytes")) {
            metrics.pendingBytes(17);
        } else if (method.getName().equals("queueLength")) {
            metrics.queueLength(ObserverCalls.TEXT, 17);
        } else {
            ObserverCalls.call(metrics, method);
        }
        assertThat(values()).isNotEqualTo(before).hasSameSizeAs(before);
    }

    @Test
    @DisplayName("requests are counted by type, format and code")
    void requests() {
        metrics.accepted("report");
        metrics.accepted("report");
        metrics.accepted("chat");
        metrics.joined("report");
        metrics.resumed("standard");
        metrics.refused(503, "overloaded");
        metrics.refused(402, "no_credit");
        assertThat(count("handoff.tasks.accepted", "type", "report")).isEqualTo(2);
        assertThat(count("handoff.tasks.accepted", "type", "chat")).isEqualTo(1);
        assertThat(count("handoff.tasks.joined", "type", "report")).isEqualTo(1);
        assertThat(count("handoff.requests.resumed", "format", "standard")).isEqualTo(1);
        assertThat(count("handoff.requests.refused", "code", "overloaded")).isEqualTo(1);
        assertThat(count("handoff.requests.refused", "code", "no_credit")).isEqualTo(1);
    }

    @Test
    @DisplayName("a run is timed by type and outcome; one whose handler was not called only counts as ended")
    void runs() {
        metrics.started("report", Duration.ofMillis(20));
        metrics.firstEvent("report", Duration.ofMillis(300));
        metrics.ended("report", RunEnd.COMPLETED, Duration.ofSeconds(2), 7, 700);
        metrics.ended("report", RunEnd.CANCELLED, Duration.ZERO, 0, 0);
        assertThat(timer("handoff.tasks.wait", "type", "report").totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(20);
        assertThat(timer("handoff.tasks.first.event", "type", "report").totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(300);
        assertThat(timer("handoff.tasks.run", "type", "report", "outcome", "completed")
                        .totalTime(TimeUnit.SECONDS))
                .isEqualTo(2);
        assertThat(timer("handoff.tasks.run", "type", "report", "outcome", "cancelled")
                        .count())
                .isZero();
        assertThat(count("handoff.tasks.ended", "type", "report", "outcome", "completed"))
                .isEqualTo(1);
        assertThat(count("handoff.tasks.ended", "type", "report", "outcome", "cancelled"))
                .isEqualTo(1);
        assertThat(count("handoff.tasks.events", "type", "report")).isEqualTo(7);
        assertThat(count("handoff.tasks.bytes", "type", "report")).isEqualTo(700);
    }

    @Test
    @DisplayName("readers are counted while they are open, and timed by the reason of their end")
    void readers() {
        metrics.readerOpened("standard");
        metrics.readerOpened("standard");
        metrics.firstBytes("standard", Duration.ofMillis(5));
        assertThat(gauge("handoff.readers.open", "format", "standard")).isEqualTo(2);
        metrics.readerClosed("standard", ReaderEnd.TOO_SLOW, Duration.ofSeconds(30), 4096);
        assertThat(gauge("handoff.readers.open", "format", "standard")).isEqualTo(1);
        assertThat(timer("handoff.readers.connected", "format", "standard", "reason", "too_slow")
                        .totalTime(TimeUnit.SECONDS))
                .isEqualTo(30);
        assertThat(timer("handoff.readers.first.event", "format", "standard").count())
                .isEqualTo(1);
        assertThat(registry.get("handoff.readers.received").summary().totalAmount())
                .isEqualTo(4096);
        metrics.delivered(10, 1000, 2);
        assertThat(count("handoff.delivery.events")).isEqualTo(10);
        assertThat(count("handoff.delivery.bytes")).isEqualTo(1000);
        assertThat(count("handoff.delivery.heartbeats")).isEqualTo(2);
    }

    @Test
    @DisplayName("times by the clock of the database count as zero if they are negative")
    void negativeTimes() {
        metrics.tailLag(Duration.ofMillis(-3));
        metrics.claimed("report", Duration.ofMillis(-3));
        assertThat(timer("handoff.tail.lag").count()).isEqualTo(1);
        assertThat(timer("handoff.queue.wait", "type", "report").count()).isEqualTo(1);
    }

    @Test
    @DisplayName("a gauge has its value although nothing else holds the observer")
    void gaugesAreHeld() {
        SimpleMeterRegistry own = new SimpleMeterRegistry();
        HandoffMetrics.of(own).pendingBytes(5);
        System.gc();
        assertThat(own.get("handoff.store.pending").gauge().value()).isEqualTo(5);
    }

    @Test
    @DisplayName(
            "meters for all codes of problems exist from the start, and those for outcomes and reasons from the first use")
    void existFromTheStart() {
        assertThat(registry.find("handoff.requests.refused").counters().stream()
                        .map(counter -> counter.getId().getTag("code")))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(ProblemCode.values())
                        .map(ProblemCode::code)
                        .toList());
        metrics.started("report", Duration.ZERO);
        assertThat(registry.find("handoff.tasks.ended").tag("type", "report").counters().stream()
                        .map(counter -> counter.getId().getTag("outcome")))
                .containsExactlyInAnyOrderElementsOf(names(RunEnd.values()));
        metrics.readerOpened("result");
        assertThat(registry.find("handoff.readers.connected").tag("format", "result").timers().stream()
                        .map(timer -> timer.getId().getTag("reason")))
                .containsExactlyInAnyOrderElementsOf(names(ReaderEnd.values()));
    }

    private static List<String> names(Enum<?>[] values) {
        return Arrays.stream(values)
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .toList();
    }

    @Test
    @DisplayName("R15 a tag has at most 100 values, and further ones count as other")
    void capped() {
        for (int i = 0; i < 1000; i++) {
            metrics.accepted("type-" + i);
            metrics.started("type-" + i, Duration.ZERO);
            metrics.refused(400, "code-" + i);
        }
        assertThat(registry.find("handoff.tasks.accepted").counters()).hasSize(101);
        assertThat(registry.find("handoff.tasks.wait").timers()).hasSize(101);
        assertThat(registry.find("handoff.requests.refused").counters()).hasSize(101);
        assertThat(count("handoff.tasks.accepted", "type", "type-99")).isEqualTo(1);
        assertThat(count("handoff.tasks.accepted", "type", "other")).isEqualTo(900);
        metrics.accepted("type-99");
        assertThat(count("handoff.tasks.accepted", "type", "type-99")).isEqualTo(2);
    }

    @Test
    @DisplayName("a call whose meters exist creates no object")
    void allocatesNothing() {
        HandoffObserver observer = metrics;
        Duration time = Duration.ofMillis(7);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int calls = 20_000;
        callOften(observer, time, calls);
        long before = threads.getCurrentThreadAllocatedBytes();
        callOften(observer, time, calls);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        // The smallest object has 16 bytes. The clock of the registry or the compiler may allocate a few.
        assertThat(allocated).isLessThan(calls);
    }

    private static void callOften(HandoffObserver observer, Duration time, int calls) {
        for (int i = 0; i < calls; i++) {
            observer.accepted("report");
            observer.refused(503, "overloaded");
            observer.started("report", time);
            observer.firstEvent("report", time);
            observer.ended("report", RunEnd.COMPLETED, time, 1, 1);
            observer.readerOpened("standard");
            observer.firstBytes("standard", time);
            observer.readerClosed("standard", ReaderEnd.COMPLETED, time, 1);
            observer.delivered(1, 1, 1);
            observer.committed(1, 1, 1, time);
            observer.pendingBytes(1);
            observer.fetched(1, 1, 1, time);
            observer.tailLag(time);
            observer.claimed("report", time);
            observer.queueLength("report", 1);
        }
    }
}
