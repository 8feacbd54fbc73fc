// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoCollection;
import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandStartedEvent;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.testkit.TickingClock;
import java.time.Duration;
import java.util.Date;
import java.util.Map;
import org.bson.BsonDocument;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PythonTailSourceTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final Duration COUNTED_AGAIN = Duration.ofMillis(1001);

    private final TickingClock clock = new TickingClock();
    private final Mongo mongo = Mongo.start();
    private MongoCollection<Document> buffer;
    private Runnable onCount = () -> {};
    private PythonTailSource source;

    @BeforeEach
    void start() {
        buffer = mongo.database.getCollection(PythonStreams.COLLECTION);
        CommandListener listener = new CommandListener() {
            @Override
            public void commandStarted(CommandStartedEvent event) {
                if (event.getCommandName().equals("aggregate")) {
                    onCount.run();
                }
            }
        };
        source = new PythonTailSource(
                mongo.connect(listener).getCollection(PythonStreams.COLLECTION, BsonDocument.class), clock);
    }

    @AfterEach
    void stop() {
        mongo.close();
    }

    private ObjectId append(long millis) {
        ObjectId id = new ObjectId();
        buffer.insertOne(new Document("_id", id)
                .append("stream", "s")
                .append("created", new Date(millis))
                .append("data", new Document("n", millis)));
        return id;
    }

    private TailFetch fetch(long position) {
        return source.fetch(Map.of(ID, position), 1 << 20);
    }

    @Test
    @DisplayName("a record that is appended while the records are counted does not make its stream unreadable")
    void appendWhileCounting() {
        ObjectId first = append(1);
        source.remember(ID, "s", 1, new PythonRecord.Key(1, first));
        clock.tick(COUNTED_AGAIN);
        onCount = () -> append(2);
        assertThat(fetch(1).unreadable()).isEmpty();
        onCount = () -> {};
        assertThat(fetch(1).batches()).hasSize(1);
    }

    @Test
    @DisplayName("a new record before the read ones makes a stream unreadable, and so does a deleted record")
    void otherRecords() {
        ObjectId seen = append(5);
        source.remember(ID, "s", 1, new PythonRecord.Key(5, seen));
        append(4);
        assertThat(fetch(1).unreadable()).isEmpty();
        clock.tick(COUNTED_AGAIN);
        assertThat(fetch(1).unreadable()).containsExactly(ID);

        buffer.deleteMany(new Document());
        source.remember(ID, "s", 1, new PythonRecord.Key(5, seen));
        clock.tick(COUNTED_AGAIN);
        assertThat(fetch(1).unreadable()).containsExactly(ID);
    }
}
