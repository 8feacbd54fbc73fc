// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.mongodb.client.MongoDatabase;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.bson.BsonDocument;
import org.bson.BsonValue;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Each query uses an index and examines few keys. Only a real server can say so. */
class QueryPlanTest {

    private static final Set<String> QUERIES = Set.of("find", "aggregate", "findAndModify", "update", "delete");
    private static final int TASKS = 5_000;
    private static final int STREAMS = 200;
    private static final int BATCHES = 20;

    private final Mongo mongo = Mongo.start();
    private final Commands commands = new Commands();
    private final MongoDatabase watched = mongo.connect(commands);
    private final MongoOperations operations = new MongoOperations(
            watched,
            DatabaseSettings.keeping(Duration.ofHours(1), Duration.ofHours(1)).withTimeout(Duration.ofSeconds(30)));

    @BeforeEach
    void fill() {
        assumeTrue(explains(), "this server does not explain its plans; name a MongoDB by -Dhandoff.mongo.uri=");
        Date now = new Date();
        List<Document> tasks = new ArrayList<>();
        for (int i = 0; i < TASKS; i++) {
            tasks.add(task("running" + i, "running", now).append("worker", "worker" + i % 20));
            tasks.add(task("foreign" + i, "queued", new Date(now.getTime() - 1000))
                    .append("type", "foreign"));
        }
        tasks.add(task("mine", "queued", now));
        mongo.database.getCollection(MongoOperations.TASKS).insertMany(tasks);
        List<Document> events = new ArrayList<>();
        for (int stream = 0; stream < STREAMS; stream++) {
            for (long seq = 0; seq < BATCHES; seq++) {
                events.add(TestDocuments.of(
                        new EventBatch(new ObjectId(), "stream" + stream, seq * 2, 1, List.of(), null, true)));
            }
        }
        mongo.database.getCollection(MongoOperations.EVENTS).insertMany(events);
        operations.task("begin");
        commands.clear();
    }

    private boolean explains() {
        if (System.getProperty("handoff.mongo.uri", "").isEmpty()) {
            return false;
        }
        try {
            Document answer = mongo.database.runCommand(
                    new Document("explain", new Document("find", "any")).append("verbosity", "executionStats"));
            return answer.containsKey("executionStats");
        } catch (RuntimeException e) {
            return false;
        }
    }

    private static Document task(String id, String state, Date created) {
        return new Document("_id", id)
                .append("type", "any")
                .append("payload", "x")
                .append("fingerprint", id)
                .append("attributes", List.of())
                .append("format", "standard")
                .append("state", state)
                .append("epoch", 1)
                .append("attempts", 1)
                .append("attended", created)
                .append("created", created);
    }

    @AfterEach
    void close() {
        mongo.close();
    }

    /** Fails if a query of an operation has no index, sorts in memory, or examines more than this. */
    private void check(int most, Runnable operation) {
        commands.clear();
        operation.run();
        List<BsonDocument> queries = new ArrayList<>();
        QUERIES.forEach(name -> queries.addAll(commands.started(name)));
        assertThat(queries).isNotEmpty();
        for (BsonDocument query : queries) {
            BsonDocument plain = query.clone();
            List.of(
                            "lsid",
                            "$db",
                            "$clusterTime",
                            "$readPreference",
                            "txnNumber",
                            "maxTimeMS",
                            "writeConcern",
                            "readConcern",
                            "ordered")
                    .forEach(plain::remove);
            Document plan =
                    mongo.database.runCommand(new Document("explain", plain).append("verbosity", "executionStats"));
            Set<String> stages = stages(plan.toBsonDocument());
            assertThat(stages).as(plain.toJson()).doesNotContain("COLLSCAN", "SORT");
            assertThat(examined(plan.toBsonDocument())).as(plain.toJson()).isLessThanOrEqualTo(most);
        }
    }

    private static Set<String> stages(BsonValue plan) {
        Set<String> found = new java.util.TreeSet<>();
        visit(plan, "stage", value -> found.add(value.asString().getValue()));
        return found;
    }

    private static int examined(BsonValue plan) {
        Map<String, Integer> most = new TreeMap<>();
        for (String name : List.of("totalKeysExamined", "totalDocsExamined")) {
            visit(plan, name, value -> most.merge(name, value.asNumber().intValue(), Math::max));
        }
        return most.values().stream().mapToInt(i -> i).max().orElse(0);
    }

    private static void visit(BsonValue value, String name, java.util.function.Consumer<BsonValue> visitor) {
        if (value.isArray()) {
            value.asArray().forEach(v -> visit(v, name, visitor));
        } else if (value.isDocument()) {
            value.asDocument().forEach((key, inner) -> {
                // Plans that the server has not chosen do not count.
                if (key.equals(name)) {
                    visitor.accept(inner);
                } else if (!key.equals("rejectedPlans")) {
                    visit(inner, name, visitor);
                }
            });
        }
    }

    @Test
    @DisplayName("a claim does not examine older tasks of other types")
    void claim() {
        check(5, () -> operations.claim(List.of("any", "other"), "w"));
    }

    @Test
    @DisplayName("the sweep examines only tasks whose owner is not alive")
    void sweep() {
        List<String> alive = IntStream.range(0, 20).mapToObj(i -> "worker" + i).toList();
        check(50, () -> operations.runningExceptOf(alive, 100));
        check(400, () -> operations.runningExceptOf(alive.subList(1, 20), 100));
        check(101, () -> operations.runningOf("worker3", 100));
        assertThat(commands.started("find").get(0).getDocument("projection")).doesNotContainKey("payload");
        check(5, () -> operations.unread(Duration.ofHours(1), 100));
        check(5, () -> operations.queuedLongerThan(Duration.ofHours(1), 100));
    }

    @Test
    @DisplayName("the position in the queue and its length are counted up to their limit")
    void queue() {
        check(101, () -> operations.queuedBefore(Instant.now().plusSeconds(60), 100));
        check(101, () -> operations.queueLengths(List.of("foreign"), 100));
    }

    @Test
    @DisplayName("a single task is found by its id or its fingerprint")
    void oneTask() {
        check(1, () -> operations.task("running3"));
        check(2, () -> operations.latestLike("running3", null, Duration.ofHours(1)));
        check(2, () -> operations.latestLike("running3", "someone", Duration.ofHours(1)));
        check(1, () -> operations.requestCancel("running4"));
        check(1, () -> operations.requeue("running5", 1, true));
        check(5, () -> operations.recordReaders(List.of("running1", "running2")));
    }

    @Test
    @DisplayName("the tails of 200 streams at 200 positions are read in the order of an index")
    void tails() {
        Map<String, Long> from = new TreeMap<>();
        for (int i = 0; i < STREAMS; i++) {
            from.put("stream" + i, 38L + i % 3 - (i % 2));
        }
        check(3 * STREAMS, () -> operations.tails(from, 1 << 20));
    }

    @Test
    @DisplayName("a stream is read, and its last batch found, by its positions")
    void oneStream() {
        check(2, () -> operations.last("stream7"));
        check(2, () -> operations.lastBefore("stream7", 20));
        check(41, () -> operations.read("stream7", 10, 5, 1 << 20));
        check(10, () -> operations.holders(List.of(new Position("stream1", 2), new Position("stream2", 4))));
        check(2 * BATCHES, () -> operations.fences("stream7"));
    }

    @Test
    @DisplayName("expired documents are found without examining the others")
    void retention() {
        check(5, operations::deleteExpired);
    }
}
