// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StormStreamTest {

    private static final long NOW = 1_000;

    /** What was counted, in its order. */
    private final List<String> counted = new ArrayList<>();

    private final StormStream stream = new StormStream(new StormStream.Counter() {
        @Override
        public void delivered(long nanos) {
            counted.add("delivered " + nanos);
        }

        @Override
        public void gap(long events) {
            counted.add("gap " + events);
        }

        @Override
        public void duplicate() {
            counted.add("duplicate");
        }
    });

    private void take(String text) {
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            stream.take(b, NOW);
        }
    }

    private static String event(int position, long madeAt) {
        return "id: s:" + position + ":proof\ndata: " + Storm.event(madeAt, "x".repeat(500)) + "\n\n";
    }

    @Test
    void measuresTheTimeSinceAnEventWasCreated() {
        take(event(0, 400) + event(1, 990));

        assertThat(counted).containsExactly("delivered 600", "delivered 10");
        assertThat(stream.events()).isEqualTo(2);
        assertThat(stream.lastEventId()).isEqualTo("s:1");
    }

    @Test
    void countsGapsAndDuplicates() {
        take(event(2, NOW) + event(2, NOW) + event(0, NOW) + event(3, NOW));

        assertThat(counted).containsExactly("gap 2", "delivered 0", "duplicate", "duplicate", "delivered 0");
    }

    @Test
    void anEventThatWasCutIsCountedOnceWhenItArrivesAgain() {
        take(event(0, NOW) + "id: s:1:proof\ndata: half");

        stream.forgetPart();
        take(event(1, NOW));

        assertThat(counted).containsExactly("delivered 0", "delivered 0");
    }

    @Test
    void theEndDoesNotCountAsAnEvent() {
        assertThat(stream.isResumable()).isFalse();

        take(event(0, NOW) + "event: completed\nid: s:1:proof\ndata: \n\n");

        assertThat(stream.isEnded()).isTrue();
        assertThat(stream.isResumable()).isTrue();
        assertThat(stream.events()).isEqualTo(1);
        assertThat(counted).containsExactly("delivered 0");
    }

    @Test
    void aHeartbeatDoesNotCountAsAnEvent() {
        take(":\n\n:\n");

        assertThat(counted).isEmpty();
    }
}
