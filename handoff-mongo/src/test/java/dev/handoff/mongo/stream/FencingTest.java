// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How another writer takes a stream over. */
@Timeout(60)
class FencingTest extends CommitFixture {

    @Test
    @DisplayName("R3 a writer whose position was taken during an outage gets StaleWriterException")
    void fencedAfterOutage() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        MongoEventStore other = store(mongo.connect(), Duration.ofSeconds(10));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.goAway();
        appender.append(null, "zombie");
        other.appender(name, 2).append(null, "event 1");
        await().until(() -> other.open(name).last() == 2);
        proxy.comeBack();
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(appender::flush);
        assertThat(other.open(name).read(EventStream.BEGINNING, 10).events())
                .extracting(Event::data)
                .containsExactly("event 0", "event 1");
    }

    @Test
    @DisplayName("R3 a fenced writer does not affect other writers in the same insert")
    void fencedAmongOthers() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        String fenced = name();
        EventAppender stale = store.appender(fenced, 1);
        List<String> names = List.of(name(), name(), name());
        List<EventAppender> others =
                names.stream().map(n -> store.appender(n, 1)).toList();
        store(mongo.connect(), Duration.ofSeconds(1)).appender(fenced, 2);
        proxy.goAway();
        others.get(0).append(null, "event 0");
        stale.append(null, "zombie");
        others.get(1).append(null, "event 0");
        others.get(2).append(null, "event 0");
        proxy.comeBack();
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(stale::flush);
        others.forEach(EventAppender::flush);
        assertThat(names).allSatisfy(n -> assertThat(stored(n)).containsExactly("event 0"));
    }

    @Test
    @DisplayName("R4 a fence whose answer was lost is recognized, and its writer continues")
    void lostFence() {
        MongoEventStore store = proxied(Duration.ofSeconds(10));
        String name = name();
        EventAppender first = store.appender(name, 1);
        first.append(null, "event 0");
        first.flush();
        proxy.cutBeforeAnswer("insert");
        EventAppender second = store.appender(name, 2);
        second.append(null, "event 1");
        second.end(End.completed(null));
        assertThat(proxy.swallowed()).isEqualTo(1);
        assertThat(store.open(name).read(EventStream.BEGINNING, 10).events())
                .extracting(Event::position)
                .containsExactly(0L, 2L);
    }
}
