// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.mongo.testing.ManualScheduler;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StoreSettingsTest {

    private final MongoEventStore.Builder builder = MongoEventStore.builder(new ManualScheduler());

    @Test
    @DisplayName("times that cannot be added to others are refused, and the message names the setting")
    void endlessTimes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.retention(Duration.ofMillis(Long.MAX_VALUE)))
                .withMessageContaining("retention");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.retryFor(Duration.ofDays(365_000)))
                .withMessageContaining("retryFor");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.linger(Duration.ofDays(365_000)))
                .withMessageContaining("linger");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.operationTimeout(Duration.ZERO))
                .withMessageContaining("operationTimeout");
    }

    @Test
    @DisplayName("polls whose shortest time is longer than the longest are refused")
    void polls() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.poll(Duration.ofMillis(20), Duration.ofMillis(10)))
                .withMessageContaining("shortest");
    }

    @Test
    @DisplayName("budgets below 1 are refused")
    void budgets() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.documentsPerSecond(0))
                .withMessageContaining("documentsPerSecond");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxPendingBytes(0))
                .withMessageContaining("maxPendingBytes");
    }
}
