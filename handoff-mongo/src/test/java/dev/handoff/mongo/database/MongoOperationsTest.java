// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.mongodb.MongoInterruptedException;
import com.mongodb.ServerAddress;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import dev.handoff.mongo.database.InsertOutcome.Kind;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.FaultProxy;
import dev.handoff.mongo.testing.FaultProxy.Fault;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bson.BsonDateTime;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonString;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the operations say about outcomes when the network or the server fails. */
class MongoOperationsTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";

    private final Mongo mongo = Mongo.start();
    private final FaultProxy proxy = new FaultProxy(primary());
    private final Commands commands = new Commands();
    private final MongoClient client = MongoClients.create(
            proxy.settings().commandListenerList(List.of(commands)).build());
    private final MongoOperations operations =
            new MongoOperations(client.getDatabase(mongo.database.getName()), settings(null));

    MongoOperationsTest() throws IOException {}

    private ServerAddress primary() {
        String primary = mongo.database.runCommand(new Document("isMaster", 1)).getString("primary");
        return primary == null ? mongo.address() : new ServerAddress(primary);
    }

    private static DatabaseSettings settings(@Nullable WriteConcern writeConcern) {
        return settings(writeConcern, Duration.ofSeconds(2));
    }

    private static DatabaseSettings settings(@Nullable WriteConcern writeConcern, Duration timeout) {
        return DatabaseSettings.keeping(Duration.ofHours(1), Duration.ofHours(1))
                .withTimeout(timeout)
                .withWriteConcern(writeConcern);
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        proxy.close();
        mongo.close();
    }

    private static EventBatch batch(String stream, long seq, String data) {
        return new EventBatch(new ObjectId(), stream, seq, 1, List.of(new Event(seq, null, data)), null, false);
    }

    private static List<EventBatch> three() {
        return List.of(batch("a", 0, "x"), batch("b", 0, "x"), batch("c", 0, "x"));
    }

    private static List<Kind> kinds(List<InsertOutcome> outcomes) {
        return outcomes.stream().map(InsertOutcome::kind).toList();
    }

    private static TaskRecord task(String id) {
        return TaskRecord.queued(new Task(id, "any", "payload", Map.of(), null, null, "standard", false));
    }

    private long stored(String collection) {
        return mongo.database.getCollection(collection).countDocuments();
    }

    private DatabaseException failure(Runnable operation) {
        DatabaseException failure = catchThrowableOfType(DatabaseException.class, operation::run);
        assertThat(failure).isNotNull();
        return failure;
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 7, 89, 91, 133, 189, 202, 262, 365, 9001, 10107, 11600, 11602, 13435, 13436, 99_999})
    @DisplayName(
            "an error of one document is an unknown outcome of that document only, if the server may recover from it")
    void transientDocumentError(int code) {
        proxy.next(1, "insert", new Fault.WriteErrors(code, Set.of(1)));
        assertThat(kinds(operations.insert(three()))).containsExactly(Kind.STORED, Kind.UNKNOWN, Kind.STORED);
        assertThat(stored(MongoOperations.EVENTS)).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 13, 121, 10334})
    @DisplayName("an error of one document is a refusal, if the server would refuse the document again")
    void permanentDocumentError(int code) {
        proxy.next(1, "insert", new Fault.WriteErrors(code, Set.of(0)));
        assertThat(kinds(operations.insert(three()))).containsExactly(Kind.REFUSED, Kind.STORED, Kind.STORED);
    }

    @Test
    @DisplayName("a taken position is a duplicate, next to a document that failed for another reason")
    void duplicate() {
        List<EventBatch> batches = three();
        operations.insert(List.of(batch("c", 0, "first")));
        proxy.next(1, "insert", new Fault.WriteErrors(10107, Set.of(0)));
        assertThat(kinds(operations.insert(batches))).containsExactly(Kind.UNKNOWN, Kind.STORED, Kind.DUPLICATE);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 64, 91, 100})
    @DisplayName("a write concern error is an unknown outcome, although the server has the documents")
    void writeConcernError(int code) {
        proxy.always("insert", FaultProxy.writeConcernError(code, "ATest"));
        assertThat(kinds(operations.insert(three()))).containsOnly(Kind.UNKNOWN);
        assertThat(failure(() -> operations.insertTask(task(ID))).refused()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 50, 91, 189, 262, 10107, 11602, 13435})
    @DisplayName("a command that fails with a temporary error has an unknown outcome")
    void transientCommandError(int code) {
        proxy.always("insert", FaultProxy.error(code, "ATest"));
        proxy.always("findAndModify", FaultProxy.error(code, "ATest"));
        assertThat(failure(() -> operations.insert(three())).refused()).isFalse();
        assertThat(failure(() -> operations.insertTask(task(ID))).refused()).isFalse();
        assertThat(failure(() -> operations.claim(List.of("any"), "w")).refused())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {13, 72})
    @DisplayName("a command that the server would refuse again is refused")
    void permanentCommandError(int code) {
        proxy.always("insert", FaultProxy.error(code, "ATest"));
        assertThat(failure(() -> operations.insert(three())).refused()).isTrue();
        assertThat(failure(() -> operations.insertTask(task(ID))).refused()).isTrue();
    }

    @Test
    @DisplayName("an insert whose answer is lost has an unknown outcome within its time limit, and is stored")
    void lostAnswer() {
        operations.last("a");
        proxy.always("insert", new Fault.SwallowAnswer());
        assertThat(failure(() -> operations.insert(List.of(batch("a", 0, "x")))).refused())
                .isFalse();
        assertThat(failure(() -> operations.insertTask(task(ID))).refused()).isFalse();
        assertThat(stored(MongoOperations.EVENTS)).isEqualTo(1);
        assertThat(operations.task(ID)).isPresent();
    }

    @Test
    @DisplayName("an insert whose connection is cut has an unknown outcome")
    void cutConnection() {
        proxy.always("insert", new Fault.CutBefore());
        assertThat(failure(() -> operations.insert(three())).refused()).isFalse();
        assertThat(stored(MongoOperations.EVENTS)).isZero();
    }

    @Test
    @DisplayName("a batch that is larger than the server allows is refused, and the others are stored")
    void oversized() {
        String large = "x".repeat(17_000_000);
        List<InsertOutcome> outcomes =
                operations.insert(List.of(batch("a", 0, "x"), batch("b", 0, large), batch("c", 0, "x")));
        assertThat(outcomes.get(1).kind()).isEqualTo(Kind.REFUSED);
        // The first may have been stored before the driver has seen the second.
        assertThat(outcomes.get(0).kind()).isIn(Kind.STORED, Kind.DUPLICATE);
        assertThat(outcomes.get(2).kind()).isIn(Kind.STORED, Kind.DUPLICATE);
        assertThat(operations.last("a")).isPresent();
        assertThat(operations.last("c")).isPresent();
    }

    @Test
    @DisplayName("a closed client is an unknown outcome, and refuses no document")
    void closedClient() {
        operations.insert(three());
        client.close();
        assertThat(failure(() -> operations.insert(List.of(batch("d", 0, "x")))).refused())
                .isFalse();
        assertThat(failure(() -> operations.task(ID)).refused()).isFalse();
    }

    @Test
    @DisplayName("a failure whose cause is an interruption counts as an interruption")
    void interrupted() {
        operations.insert(three());
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(DatabaseException.class)
                    .isThrownBy(() -> operations.insert(List.of(batch("d", 0, "x"))))
                    .withCauseInstanceOf(MongoInterruptedException.class);
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    @DisplayName("events have the write concern of the settings; fences and tasks are always stored by a majority")
    void writeConcerns() {
        MongoOperations own =
                new MongoOperations(client.getDatabase(mongo.database.getName()), settings(WriteConcern.W1));
        own.insert(List.of(batch("a", 0, "x")));
        own.insert(List.of(EventBatch.fence(new ObjectId(), "b", 0, 2), batch("c", 0, "x")));
        own.insertTask(task(ID));
        List<String> concerns = new ArrayList<>();
        for (BsonDocument insert : commands.started("insert")) {
            concerns.add(
                    insert.containsKey("writeConcern")
                            ? insert.getDocument("writeConcern").get("w").toString()
                            : "none");
        }
        assertThat(concerns).hasSize(3);
        assertThat(concerns.get(0)).doesNotContain("majority");
        assertThat(concerns.subList(1, 3)).allSatisfy(c -> assertThat(c).contains("majority"));
    }

    @Test
    @DisplayName("a database without the unique index accepts neither events nor tasks")
    void withoutUniqueIndex() {
        mongo.database.getCollection(MongoOperations.EVENTS).drop();
        assertThat(failure(() -> operations.insert(three())).refused()).isTrue();
        assertThat(failure(() -> operations.insertTask(task(ID)))).hasMessageContaining("bin/chat indexes");
        assertThat(stored(MongoOperations.EVENTS)).isZero();
    }

    @Test
    @DisplayName("tasks are deleted after all of their events, a limited number at a time")
    void deletesExpired() {
        // The stand-in looks at every document.
        MongoOperations patient = new MongoOperations(mongo.database, settings(null, Duration.ofSeconds(60)));
        Date past = new Date(System.currentTimeMillis() - Duration.ofDays(1).toMillis());
        List<Document> expired = new ArrayList<>();
        for (long seq = 0; seq < 5_200; seq++) {
            expired.add(new Document("stream", "a").append("seq", seq).append("expireAt", past));
        }
        mongo.database.getCollection(MongoOperations.EVENTS).insertMany(expired);
        operations.insert(List.of(batch("b", 0, "kept")));
        mongo.database
                .getCollection(MongoOperations.TASKS)
                .insertOne(new Document("_id", "t").append("expireAt", past));
        patient.deleteExpired();
        assertThat(stored(MongoOperations.EVENTS)).isEqualTo(201);
        assertThat(stored(MongoOperations.TASKS)).isEqualTo(1);
        patient.deleteExpired();
        assertThat(stored(MongoOperations.EVENTS)).isEqualTo(1);
        assertThat(stored(MongoOperations.TASKS)).isZero();
        assertThat(operations.last("b")).isPresent();
    }

    private void asMemberOfCluster() {
        BsonDocument member = new BsonDocument("ok", new BsonDouble(1))
                .append("localTime", new BsonDateTime(System.currentTimeMillis()))
                .append("setName", new BsonString("rs0"));
        proxy.always("hello", new FaultProxy.Fault.Answer(member));
    }

    @Test
    @DisplayName("on a cluster the beats are read only after a write that a majority has acknowledged")
    void beatsOfAMajority() {
        asMemberOfCluster();
        operations.beat("worker");
        assertThat(operations.beats()).containsOnlyKeys("worker");
        // As a primary answers that has lost the other servers: it reads, and acknowledges nothing.
        proxy.always("update", FaultProxy.error(11602, "InterruptedDueToReplStateChange"));
        assertThat(failure(operations::beats).refused()).isFalse();
        proxy.repair();
    }

    @Test
    @DisplayName("a task that is larger than the server allows is refused")
    void oversizedTask() {
        Task large = new Task(ID, "any", "x".repeat(17_000_000), Map.of(), null, null, "standard", false);
        assertThat(operations.insertTask(TaskRecord.queued(large)).kind()).isEqualTo(Kind.REFUSED);
        assertThat(operations.task(ID)).isEmpty();
    }

    @Test
    @DisplayName("a beat that another process creates at the same time is still incremented")
    void beatCreatedTwice() {
        proxy.next(
                1,
                "update",
                new Fault.Answer(BsonDocument.parse(
                        "{ok: 1, n: 0, nModified: 0, writeErrors: [{index: 0, code: 11000, errmsg: 'E11000'}]}")));
        operations.beat("worker");
        assertThat(proxy.struck("update")).isEqualTo(1);
        assertThat(operations.beats()).containsOnlyKeys("worker");
    }

    @Test
    @DisplayName("the beats are read although another process creates the document of the readers at the same time")
    void readersCreatedTwice() {
        asMemberOfCluster();
        operations.beat("worker");
        proxy.next(
                1,
                "update",
                new Fault.Answer(BsonDocument.parse(
                        "{ok: 1, n: 0, nModified: 0, writeErrors: [{index: 0, code: 11000, errmsg: 'E11000'}]}")));
        assertThat(operations.beats()).containsOnlyKeys("worker");
        assertThat(proxy.struck("update")).isEqualTo(1);
    }

    @Test
    @DisplayName("R11 a beat that was deleted and created again has another value")
    void beatBeginsAgain() {
        Set<Long> values = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            operations.beat("worker");
            long beat = operations.beats().get("worker");
            values.add(beat);
            operations.forget("worker", beat);
        }
        assertThat(values).hasSizeGreaterThan(18);
    }

    @Test
    @DisplayName("a beat that a worker in another language writes as a number of another type is read")
    void beatOfAnotherType() {
        mongo.database.getCollection(MongoOperations.WORKERS).insertOne(new Document("_id", "w").append("beat", 7));
        assertThat(operations.beats()).containsEntry("w", 7L);
    }
}
