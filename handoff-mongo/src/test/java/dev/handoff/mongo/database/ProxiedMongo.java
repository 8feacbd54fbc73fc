// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.ServerAddress;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.FaultProxy;
import dev.handoff.mongo.testing.FaultProxy.Fault;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.stream.Event;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.bson.BsonDateTime;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonString;
import org.bson.Document;
import org.bson.types.ObjectId;

/** A database behind a proxy, and what was asked of it. */
final class ProxiedMongo implements AutoCloseable {

    final Mongo mongo = Mongo.start();
    final FaultProxy proxy;
    final Commands commands = new Commands();
    final MongoDatabase database;
    private final MongoClient client;

    ProxiedMongo() throws IOException {
        proxy = new FaultProxy(primary());
        client = MongoClients.create(
                proxy.settings().commandListenerList(List.of(commands)).build());
        database = client.getDatabase(mongo.database.getName());
    }

    private ServerAddress primary() {
        String primary = mongo.database.runCommand(new Document("isMaster", 1)).getString("primary");
        return primary == null ? mongo.address() : new ServerAddress(primary);
    }

    /** Lets the server say whether it belongs to a cluster. */
    void serverIsInCluster(boolean cluster) {
        BsonDocument answer = new BsonDocument("ok", new BsonDouble(1))
                .append("localTime", new BsonDateTime(System.currentTimeMillis()));
        proxy.repair();
        proxy.always("hello", new Fault.Answer(cluster ? answer.append("setName", new BsonString("rs0")) : answer));
    }

    static DatabaseSettings settings() {
        return DatabaseSettings.keeping(Duration.ofHours(1), Duration.ofHours(1))
                .withTimeout(Duration.ofSeconds(30));
    }

    static EventBatch batch(String stream, long seq) {
        return new EventBatch(new ObjectId(), stream, seq, 1, List.of(new Event(seq, null, "x")), null, false);
    }

    long stored(String collection) {
        return mongo.database.getCollection(collection).countDocuments();
    }

    @Override
    public void close() throws IOException {
        client.close();
        proxy.close();
        mongo.close();
    }
}
