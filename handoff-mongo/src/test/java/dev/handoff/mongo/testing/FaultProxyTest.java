// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.mongodb.MongoBulkWriteException;
import com.mongodb.MongoCommandException;
import com.mongodb.MongoException;
import com.mongodb.MongoSocketException;
import com.mongodb.ServerAddress;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.InsertManyOptions;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.testing.FaultProxy.Fault;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The proxy does what tests with it rely on. */
class FaultProxyTest {

    private final MongoServer server = StandIn.start();
    private final MongoClient direct = MongoClients.create(server.getConnectionString());
    private final FaultProxy proxy = new FaultProxy(new ServerAddress(
            server.getLocalAddress().getHostString(), server.getLocalAddress().getPort()));
    private final MongoClient client = MongoClients.create(proxy.settings().build());
    private final MongoCollection<Document> things = client.getDatabase("test").getCollection("things");
    private final MongoCollection<Document> limited = things.withTimeout(300, TimeUnit.MILLISECONDS);

    FaultProxyTest() throws IOException {}

    @AfterEach
    void close() throws IOException {
        proxy.close();
        client.close();
        direct.close();
        server.shutdownNow();
    }

    private long stored() {
        return direct.getDatabase("test").getCollection("things").countDocuments();
    }

    private static Document document(int id) {
        return new Document("_id", id);
    }

    @Test
    @DisplayName("a fault affects only its command, and as many times as requested")
    void once() {
        proxy.next(1, "insert", FaultProxy.error(91, "ShutdownInProgress"));
        assertThat(things.countDocuments()).isZero();
        assertThatExceptionOfType(MongoException.class)
                .isThrownBy(() -> things.insertOne(document(1)))
                .satisfies(e -> assertThat(e.getCode()).isEqualTo(91));
        things.insertOne(document(1));
        assertThat(proxy.struck("insert")).isEqualTo(1);
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    @DisplayName("an error has its code, name and labels")
    void error() {
        proxy.next(1, "insert", FaultProxy.error(262, "ExceededTimeLimit", "ALabel"));
        MongoCommandException e =
                catchThrowableOfType(MongoCommandException.class, () -> things.insertOne(document(1)));
        assertThat(e.getErrorCodeName()).isEqualTo("ExceededTimeLimit");
        assertThat(e.hasErrorLabel("ALabel")).isTrue();
    }

    @Test
    @DisplayName(
            "documents with write errors do not reach the server, and the others do; errors of the server keep their documents")
    void writeErrors() {
        things.insertOne(document(3));
        proxy.next(1, "insert", new Fault.WriteErrors(10107, Set.of(0, 2)));
        MongoBulkWriteException e = catchThrowableOfType(
                MongoBulkWriteException.class,
                () -> things.insertMany(
                        List.of(document(0), document(1), document(2), document(3)),
                        new InsertManyOptions().ordered(false)));
        assertThat(e.getWriteErrors())
                .extracting(w -> w.getIndex() + ":" + w.getCode())
                .containsExactlyInAnyOrder("0:10107", "2:10107", "3:11000");
        assertThat(stored()).isEqualTo(2);
    }

    @Test
    @DisplayName("a command is not run if the connection is cut before it, and is run if it is cut after it")
    void cut() {
        proxy.next(1, "insert", new Fault.CutBefore());
        assertThatExceptionOfType(MongoSocketException.class).isThrownBy(() -> things.insertOne(document(1)));
        assertThat(stored()).isZero();
        proxy.next(1, "insert", new Fault.CutAfter());
        assertThatExceptionOfType(MongoSocketException.class).isThrownBy(() -> things.insertOne(document(1)));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    @DisplayName("a dropped command is not run, and a command whose answer is dropped is run")
    void swallowed() {
        things.countDocuments();
        proxy.next(1, "insert", new Fault.Drop());
        assertThatExceptionOfType(MongoException.class).isThrownBy(() -> limited.insertOne(document(1)));
        assertThat(stored()).isZero();
        proxy.next(1, "insert", new Fault.SwallowAnswer());
        assertThatExceptionOfType(MongoException.class).isThrownBy(() -> limited.insertOne(document(1)));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    @DisplayName("a delayed command is run later")
    void delayed() {
        proxy.next(1, "insert", new Fault.Delay(Duration.ofMillis(100)));
        things.insertOne(document(1));
        assertThat(proxy.struck("insert")).isEqualTo(1);
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    @DisplayName("a paused proxy passes nothing, and passes everything after the pause")
    void paused() {
        things.countDocuments();
        proxy.pause();
        CompletableFuture<Void> insert = CompletableFuture.runAsync(() -> things.insertOne(document(1)));
        assertThatExceptionOfType(MongoException.class).isThrownBy(() -> limited.countDocuments());
        assertThat(insert).isNotDone();
        assertThat(stored()).isZero();
        proxy.resume();
        await().untilAsserted(() -> assertThat(insert).isCompleted());
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    @DisplayName("a fault can affect every command, and the driver still finds the server")
    void eachCommand() {
        proxy.always(FaultProxy.ANY, FaultProxy.error(91, "ShutdownInProgress"));
        assertThatExceptionOfType(MongoException.class).isThrownBy(() -> things.insertOne(document(1)));
        assertThatExceptionOfType(MongoException.class).isThrownBy(things::countDocuments);
        proxy.repair();
        proxy.always(FaultProxy.ANY, new Fault.Delay(Duration.ofMillis(20)));
        things.insertOne(document(1));
        assertThat(things.countDocuments()).isEqualTo(1);
        assertThat(proxy.struck("insert")).isGreaterThanOrEqualTo(2);
        assertThat(proxy.struck("aggregate")).isGreaterThanOrEqualTo(2);
    }
}
