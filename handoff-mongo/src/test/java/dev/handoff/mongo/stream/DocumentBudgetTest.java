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
    @DisplayName("tokens come back evenly, up to a burst")
    void refill() {
        budget.take(250);
        ticker.tick(Duration.ofMillis(10));
        assertThat(budget.available()).isEqualTo(10);
        ticker.tick(Duration.ofHours(1));
        assertThat(budget.available()).isEqualTo(250);
    }

    @Test
    @DisplayName("what does not wait for tokens owes them, at most those of a burst")
    void debt() {
        budget.take(10_000);
        assertThat(budget.available()).isEqualTo(-250);
        ticker.tick(Duration.ofMillis(260));
        assertThat(budget.available()).isEqualTo(10);
    }
}
