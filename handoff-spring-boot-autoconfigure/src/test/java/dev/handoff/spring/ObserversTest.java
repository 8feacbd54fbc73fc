// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.observation.HandoffObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ObserversTest {

    private final List<String> told = new ArrayList<>();

    private HandoffObserver named(String name) {
        return new HandoffObserver() {
            @Override
            public void accepted(String type) {
                told.add(name + " " + type);
            }
        };
    }

    @Test
    @DisplayName("each observer gets each call, also if another one throws")
    void all() {
        HandoffObserver failing = new HandoffObserver() {
            @Override
            public void accepted(String type) {
                throw new IllegalStateException("no");
            }
        };
        HandoffObserver all = Observers.all(Stream.of(named("a"), failing, named("b")));

        all.accepted("report");
        all.joined("report");

        assertThat(told).containsExactly("a report", "b report");
        assertThat(all).isEqualTo(all).isNotEqualTo(failing).hasSameHashCodeAs(all);
        assertThat(all.toString()).startsWith("Observers");
    }

    @Test
    @DisplayName("the dispatcher reports tasks to the observers of the application")
    void ofApplication() {
        ObserverOfAll observer = ObserverOfAll.of(new Activity().observer(), Stream.of(named("own")));
        observer.observer().accepted("report");
        assertThat(told).containsExactly("own report");
    }
}
