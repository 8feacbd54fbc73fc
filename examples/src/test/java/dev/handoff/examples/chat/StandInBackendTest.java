// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.MongoWriteException;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.IndexOptions;
import com.mongodb.client.model.Indexes;
import com.mongodb.client.model.Sorts;
import com.mongodb.client.model.UpdateOptions;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bson.Document;
import org.bson.conversions.Bson;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The stand-in finds with its index what the original finds without. */
class StandInBackendTest {

    private static final int STREAMS = 8;
    private static final int POSITIONS = 30;

    private final List<Side> sides = new ArrayList<>();

    @BeforeEach
    void start() {
        sides.add(new Side(new StandInBackend()));
        sides.add(new Side(new MemoryBackend()));
    }

    @AfterEach
    void stop() {
        sides.forEach(Side::close);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void findsWhatTheOriginalFinds(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            int stream = random.nextInt(STREAMS);
            long seq = random.nextInt(POSITIONS);
            if (random.nextInt(4) == 0) {
                same(events -> events.deleteMany(
                                Filters.and(Filters.eq("stream", "s" + stream), Filters.gt("seq", seq)))
                        .getDeletedCount());
            } else {
                int id = i;
                same(events -> {
                    events.updateOne(
                            Filters.and(Filters.eq("stream", "s" + stream), Filters.eq("seq", seq)),
                            new Document("$setOnInsert", new Document("_id", id)),
                            new UpdateOptions().upsert(true));
                    return events.countDocuments();
                });
            }
            Bson query = query(random);
            same(events -> events.find(query)
                    .sort(Sorts.ascending("stream", "seq"))
                    .limit(20)
                    .into(new ArrayList<>()));
        }
        assertThat(sides.get(0).events.countDocuments()).isPositive();
    }

    @Test
    void refusesASecondOfAKind() {
        same(events -> {
            events.insertOne(new Document("_id", 1).append("stream", "a").append("seq", 1L));
            try {
                events.insertOne(new Document("_id", 2).append("stream", "a").append("seq", 1L));
                return "taken";
            } catch (MongoWriteException e) {
                return e.getError().getCategory();
            }
        });
    }

    private static Bson query(Random random) {
        List<Bson> clauses = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            clauses.add(clause(random));
        }
        return clauses.size() == 1 ? clauses.get(0) : Filters.or(clauses);
    }

    private static Bson clause(Random random) {
        String stream = "s" + random.nextInt(STREAMS + 1);
        Bson group = random.nextBoolean()
                ? Filters.eq("stream", stream)
                : Filters.in("stream", stream, "s" + random.nextInt(STREAMS));
        long seq = random.nextInt(POSITIONS);
        return switch (random.nextInt(8)) {
            case 0 -> group;
            case 1 -> Filters.and(group, Filters.lt("seq", seq));
            case 2 -> Filters.and(group, Filters.eq("seq", seq));
            case 3 -> Filters.and(group, Filters.gte("seq", seq), Filters.lt("seq", seq + 3));
            case 4 -> Filters.and(Filters.gte("seq", seq), Filters.ne("stream", stream));
            case 5 -> Filters.gt("seq", seq);
            default -> Filters.and(random.nextBoolean() ? Filters.gte("seq", seq) : Filters.gt("seq", seq), group);
        };
    }

    @FunctionalInterface
    private interface Action {
        Object on(MongoCollection<Document> events);
    }

    private void same(Action action) {
        assertThat(action.on(sides.get(0).events)).isEqualTo(action.on(sides.get(1).events));
    }

    private static final class Side {

        private final MongoServer server;
        private final MongoClient client;
        private final MongoCollection<Document> events;

        Side(MemoryBackend backend) {
            server = new MongoServer(backend);
            server.bind();
            client = MongoClients.create(server.getConnectionString());
            events = client.getDatabase("test").getCollection("events");
            events.createIndex(Indexes.ascending("stream", "seq"), new IndexOptions().unique(true));
        }

        void close() {
            client.close();
            server.shutdownNow();
        }
    }
}
