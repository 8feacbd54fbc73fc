// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.mongo.database.ProxiedMongo.settings;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.testing.FaultProxy.Fault;
import dev.handoff.testkit.TickingClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bson.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the sweep deletes, and when. */
class RetentionTest {

    private final ProxiedMongo mongo = new ProxiedMongo();
    private final TickingClock ticker = new TickingClock();
    private final MongoOperations operations =
            new MongoOperations(mongo.database, settings().withTicker(ticker));

    RetentionTest() throws IOException {}

    @AfterEach
    void close() throws IOException {
        mongo.close();
    }

    private void insertExpired(int documents, Duration ago) {
        Date expireAt = new Date(System.currentTimeMillis() - ago.toMillis());
        List<Document> expired = new ArrayList<>();
        for (long seq = 0; seq < documents; seq++) {
            expired.add(new Document("stream", "a").append("seq", seq).append("expireAt", expireAt));
        }
        mongo.mongo.database.getCollection(MongoOperations.EVENTS).insertMany(expired);
    }

    @Test
    @DisplayName("with TTL indexes, documents that have just expired are left to the server")
    void withTtlIndex() {
        insertExpired(3, Duration.ofMinutes(1));
        operations.deleteExpired();
        assertThat(mongo.commands.count("delete")).isZero();
    }

    @Test
    @DisplayName("without a TTL index, documents that have just expired are deleted")
    void withoutTtlIndex() {
        mongo.mongo.database.getCollection(MongoOperations.EVENTS).dropIndex(new Document("expireAt", 1));
        insertExpired(3, Duration.ofMinutes(1));
        operations.deleteExpired();
        assertThat(mongo.stored(MongoOperations.EVENTS)).isZero();
    }

    @Test
    @DisplayName("a deletion stops after half of its time limit, and the next one continues")
    void stopsInTime() {
        mongo.mongo.database.getCollection(MongoOperations.EVENTS).dropIndex(new Document("expireAt", 1));
        insertExpired(1_200, Duration.ofDays(1));
        mongo.proxy.always("delete", new Fault.ChangeAnswer(answer -> {
            ticker.tickTicker(Duration.ofSeconds(16));
            return answer;
        }));
        operations.deleteExpired();
        assertThat(mongo.stored(MongoOperations.EVENTS)).isEqualTo(700);
        operations.deleteExpired();
        assertThat(mongo.stored(MongoOperations.EVENTS)).isEqualTo(200);
    }
}
