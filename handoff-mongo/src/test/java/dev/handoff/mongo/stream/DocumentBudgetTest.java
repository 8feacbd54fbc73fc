// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.TickingClock;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class DocumentBudgetTest {

    private final TickingClock ticker = new TickingClock();
    private final DocumentBudget budget = new DocumentBudget(ticker, 1000);

    @Test
    @DisplayName("at first the documents of a quarter of a second may be written")
    void burst() {
        assertThat(budget.available()).isEqualTo(250);
        budget.take(250);
        assertThat(budget.available()).isZero();
        assertThat(budget.nanosUntilAvailable()).isEqualTo(1_000_000);
    }

    @Test
    @DisplayName("the bucket fills evenly, up to a burst")
    void refill() {
        budget.take(250);
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isEqualTo(10);
        ticker.tick(Duration.ofHours(1));
        assertThat(budget.available()).isEqualTo(250);
    }

    @Test
    @DisplayName("urgent documents put the bucket into debt, at most by the tokens of a burst")
    void debt() {
        budget.takeUrgent(10_000);
        assertThat(budget.available()).isZero();
        // Nine tenths repay the debt of 250.
        ticker.tick(Duration.ofMillis(278));
        assertThat(budget.available()).isEqualTo(28);
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isEqualTo(38);
    }

    @Test
    @DisplayName("an endless flow of urgent documents leaves a tenth of the budget to others")
    void share() {
        budget.takeUrgent(250);
        int written = 0;
        for (int i = 0; i < 1000; i++) {
            budget.takeUrgent(10);
            ticker.tick(Duration.ofMillis(1));
            int available = budget.available();
            budget.take(available);
            written += available;
        }
        assertThat(written).isBetween(99, 101);
    }

    @Test
    @DisplayName("while documents wait for tokens, slower filling compensates for the burst")
    void makesUpForTheBurst() {
        int written = 0;
        for (int i = 0; i < 10_000; i++) {
            int available = budget.available();
            budget.take(available);
            budget.tooFew();
            written += available;
            ticker.tick(Duration.ofMillis(1));
        }
        assertThat(written).isBetween(9_700, 9_760);
    }

    @Test
    @DisplayName("documents that begin to wait wait until the bucket is half full, and then for one token each")
    void collects() {
        budget.take(250);
        budget.tooFew();
        assertThat(budget.nanosUntilAvailable()).isBetween(131_000_000L, 132_000_000L);
        ticker.tick(Duration.ofMillis(131));
        assertThat(budget.available()).isZero();
        ticker.tick(Duration.ofMillis(1));
        assertThat(budget.available()).isEqualTo(125);

        budget.take(125);
        budget.tooFew();
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isEqualTo(9);
    }

    @Test
    @DisplayName("when no document waits, new ones need no pause")
    void enough() {
        budget.take(250);
        budget.tooFew();
        budget.enough();
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isEqualTo(10);
    }

    @Test
    @DisplayName("the time until the next token is correct even with a debt")
    void untilNext() {
        budget.takeUrgent(251);
        // A debt of one: nine tenths of what flows in repay it.
        assertThat(budget.nanosUntilAvailable()).isBetween(2_000_000L, 2_200_000L);
        ticker.tick(Duration.ofNanos(budget.nanosUntilAvailable()));
        assertThat(budget.available()).isEqualTo(1);
        budget.takeUrgent(1000);
        assertThat(budget.nanosUntilAvailable()).isLessThanOrEqualTo(10_000_000L);
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isPositive();
    }
}
