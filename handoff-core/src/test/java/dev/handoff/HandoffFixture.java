// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A hand-off within one process, on a clock and an executor that a test moves. */
abstract class HandoffFixture {

    static final Duration STORE_RETENTION = Duration.ofMinutes(10);
    static final Duration TASK_RETENTION = Duration.ofMinutes(20);

    final TickingClock clock = new TickingClock();
    final StepExecutor executor = new StepExecutor();
    final List<Task> handled = new ArrayList<>();
    final EventStore store = InMemoryEventStore.builder()
            .ticker(clock)
            .retention(STORE_RETENTION)
            .build();
    final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
            .clock(clock)
            .ticker(clock)
            .retention(TASK_RETENTION)
            .handler("greet", (task, output) -> {
                handled.add(task);
                for (String word : task.payload().split(" ")) {
                    output.emit(word);
                }
            })
            .build();
    final TokenSealer sealer = TokenSealer.of(clock, "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs");
    final Handoff handoff = builder().build();

    record ShoutingFormat() implements StreamFormat.EventFormat {
        @Override
        public String name() {
            return "shouting";
        }

        @Override
        public List<StreamFormat.Frame> frames(Event event) {
            return List.of(new StreamFormat.Frame(event.type(), event.data() + "!"));
        }

        @Override
        public List<StreamFormat.Frame> frames(End end) {
            return List.of(new StreamFormat.Frame("end", "!"));
        }

        @Override
        public StreamFormat.Frame interrupted(Problem problem) {
            return new StreamFormat.Frame("cut", "!");
        }
    }

    Handoff.Builder builder() {
        return Handoff.builder(dispatcher, store, sealer).clock(clock);
    }

    AuthorizedStream begun(String payload) {
        return handoff.open(token(handoff.begin(FakeRequest.by("alice"), Task.of("greet", payload))));
    }

    String streamOf(Reply reply) {
        return sealer.open(token(reply)).streamId();
    }

    static FakeRequest back(@Nullable String subject, String lastEventId) {
        return FakeRequest.by(subject).with("Last-Event-ID", lastEventId);
    }

    static String location(Reply reply) {
        return reply.header("Location");
    }

    static String token(Reply reply) {
        return location(reply).replaceFirst("^.*/", "").replaceFirst("\\?.*", "");
    }
}
