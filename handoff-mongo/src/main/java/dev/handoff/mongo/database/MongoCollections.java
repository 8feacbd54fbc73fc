// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import org.bson.Document;
import org.bson.codecs.configuration.CodecRegistries;
import org.bson.codecs.configuration.CodecRegistry;

/** Opens each collection with the read and write concerns that it needs. Thread-safe. */
final class MongoCollections {

    private final MongoDatabase database;
    private final DatabaseSettings settings;
    private final ServerTime time;
    private final CodecRegistry codecs;

    /**
     * Creates the collections without a connection. Does not block.
     *
     * @throws IllegalArgumentException if the write concern of events is {@code w=0}, with which the server acknowledges no writes
     */
    MongoCollections(MongoDatabase database, DatabaseSettings settings, ServerTime time) {
        this.database = database;
        this.settings = settings;
        this.time = time;
        this.codecs = CodecRegistries.fromRegistries(
                CodecRegistries.fromCodecs(EventDocumentCodec.keeping(settings.eventRetention())),
                database.getCodecRegistry());
        if (!writeConcern().isAcknowledged()) {
            throw new IllegalArgumentException(
                    "the write concern is w=0: the store needs acknowledged writes to detect a second writer");
        }
    }

    /** Returns the collection of events, with the concerns of the settings. */
    MongoCollection<Document> events() {
        return database.getCollection(MongoOperations.EVENTS)
                .withReadConcern(readConcern())
                .withWriteConcern(writeConcern());
    }

    /** Returns the collection of events as {@link #events} does, with the batches of its documents. */
    MongoCollection<EventDocument> batches() {
        return events().withCodecRegistry(codecs).withDocumentClass(EventDocument.class);
    }

    /** Returns the collection of tasks. */
    MongoCollection<Document> tasks() {
        return collection(MongoOperations.TASKS).withWriteConcern(WriteConcern.MAJORITY);
    }

    /** Returns the collection of workers. */
    MongoCollection<Document> workers() {
        return collection(MongoOperations.WORKERS).withWriteConcern(WriteConcern.MAJORITY);
    }

    /**
     * Returns a collection whose reads use {@code majority} in a cluster, regardless of the read concern of events. A task that a read
     * returns counts as accepted, so a failover must not roll it back.
     */
    private MongoCollection<Document> collection(String name) {
        return database.getCollection(name)
                .withReadConcern(time.isCluster() ? ReadConcern.MAJORITY : ReadConcern.DEFAULT);
    }

    /** Returns the write concern of the settings, else that of the connection string, else {@code majority}. */
    private WriteConcern writeConcern() {
        WriteConcern own = settings.writeConcern() == null ? database.getWriteConcern() : settings.writeConcern();
        return own.equals(WriteConcern.ACKNOWLEDGED) ? WriteConcern.MAJORITY : own;
    }

    /** Returns the read concern of events. A standalone server gets none, because it never rolls back and refuses some concerns. */
    private ReadConcern readConcern() {
        if (!time.isCluster()) {
            return ReadConcern.DEFAULT;
        }
        ReadConcern own = settings.readConcern() == null ? database.getReadConcern() : settings.readConcern();
        return own.equals(ReadConcern.DEFAULT) ? ReadConcern.MAJORITY : own;
    }
}
