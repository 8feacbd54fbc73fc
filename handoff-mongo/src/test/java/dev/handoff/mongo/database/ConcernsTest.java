// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.mongo.database.ProxiedMongo.batch;
import static dev.handoff.mongo.database.ProxiedMongo.settings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoDatabase;
import java.io.IOException;
import java.util.List;
import org.bson.BsonDocument;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** With which concerns events are read and written. */
class ConcernsTest {

    private final ProxiedMongo mongo = new ProxiedMongo();
    private final MongoDatabase plain = mongo.database;

    ConcernsTest() throws IOException {}

    @AfterEach
    void close() throws IOException {
        mongo.close();
    }

    private String readConcern(MongoDatabase database, DatabaseSettings settings) {
        mongo.commands.clear();
        new MongoOperations(database, settings).last("a");
        BsonDocument concern = mongo.commands.started("find").get(0).getDocument("readConcern", new BsonDocument());
        return concern.containsKey("level") ? concern.getString("level").getValue() : "none";
    }

    @Test
    @DisplayName(
            "events are read with majority on a cluster, unless the connection string or the settings say otherwise")
    void readsOnCluster() {
        MongoDatabase local = plain.withReadConcern(ReadConcern.LOCAL);
        mongo.serverIsInCluster(true);
        assertThat(readConcern(plain, settings())).isEqualTo("majority");
        assertThat(readConcern(local, settings())).isEqualTo("local");
        assertThat(readConcern(local, settings().withReadConcern(ReadConcern.MAJORITY)))
                .isEqualTo("majority");
        assertThat(readConcern(plain, settings().withReadConcern(ReadConcern.LOCAL)))
                .isEqualTo("local");
    }

    @Test
    @DisplayName("a standalone server is read without a read concern, since it refuses some")
    void readsOnStandalone() {
        mongo.serverIsInCluster(false);
        assertThat(readConcern(plain, settings())).isEqualTo("none");
        assertThat(readConcern(plain, settings().withReadConcern(ReadConcern.LINEARIZABLE)))
                .isEqualTo("none");
        assertThat(readConcern(plain.withReadConcern(ReadConcern.LINEARIZABLE), settings()))
                .isEqualTo("none");
    }

    private String writeConcern(MongoDatabase database, DatabaseSettings settings) {
        mongo.commands.clear();
        new MongoOperations(database, settings).insert(List.of(batch(new ObjectId().toHexString(), 0)));
        BsonDocument insert = mongo.commands.started("insert").get(0);
        return insert.getDocument("writeConcern", new BsonDocument()).toJson();
    }

    @Test
    @DisplayName("events are written with majority, unless the connection string or the settings say otherwise")
    void writes() {
        MongoDatabase one = plain.withWriteConcern(WriteConcern.W1);
        assertThat(writeConcern(plain, settings())).contains("majority");
        assertThat(writeConcern(one, settings())).doesNotContain("majority");
        assertThat(writeConcern(one, settings().withWriteConcern(WriteConcern.MAJORITY)))
                .contains("majority");
        assertThat(writeConcern(plain, settings().withWriteConcern(WriteConcern.W1)))
                .doesNotContain("majority");
    }

    @Test
    @DisplayName("a write concern without acknowledgement is refused, because it cannot detect a second writer")
    void unacknowledged() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MongoOperations(plain, settings().withWriteConcern(WriteConcern.UNACKNOWLEDGED)))
                .withMessageContaining("w=0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MongoOperations(plain.withWriteConcern(WriteConcern.UNACKNOWLEDGED), settings()))
                .withMessageContaining("w=0");
    }
}
