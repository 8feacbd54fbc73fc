package dev.handoff.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.Handoff;
import dev.handoff.format.StreamFormat;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventAppender;
import dev.handoff.task.Task;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StreamReadersTest {

    private static final long INTERVAL = 5000;

    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore store = InMemoryEventStore.create();
    // The task stays queued: its events are appended by the test.
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, job -> {})
            .handler("any", (task, output) -> {})
            .build();
    private final Task task = Task.of("any", "");

    @Test
    @DisplayName("R2 a stream that grows between the checks of two readers is not taken for one that was cut")
    void growsDuringCheck() {
        dispatcher.dispatch(task);
        AuthorizedStream access = access();
        EventAppender writer = store.appender(task.id(), 1);
        StreamReaders readers = new StreamReaders.All().join(task.id());
        Object run = new Object();

        writer.append(null, "first");
        readers.check(access, 0, run, 0, INTERVAL);
        writer.append(null, "second");
        readers.check(access, 1, run, 0, INTERVAL);
        assertThat(readers.gone()).isNull();

        readers.check(access, 2, run, 0, INTERVAL);
        assertThat(readers.gone()).isNotNull().returns(410, problem -> problem.status());
    }

    private AuthorizedStream access() {
        Grant grant = new Grant(
                task.id(),
                Set.of(Grant.Right.READ),
                StreamFormat.standard().name(),
                null,
                Instant.now().plusSeconds(60));
        return Handoff.builder(dispatcher, store, sealer).build().open(sealer.seal(grant));
    }
}
