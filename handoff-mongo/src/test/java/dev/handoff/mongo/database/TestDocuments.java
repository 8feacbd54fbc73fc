// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.time.Duration;
import java.util.Date;
import org.bson.BsonDocument;
import org.bson.BsonDocumentReader;
import org.bson.BsonDocumentWriter;
import org.bson.Document;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.DocumentCodec;
import org.bson.codecs.EncoderContext;

/** Shows the documents of this package to tests of others. */
public final class TestDocuments {

    private static final Duration LONG = Duration.ofDays(100_000);

    private TestDocuments() {}

    /** Returns the document of a batch that does not expire while the test runs. */
    public static Document of(EventBatch batch) {
        BsonDocument bson = new BsonDocument();
        EventDocumentCodec.keeping(LONG)
                .encode(
                        new BsonDocumentWriter(bson),
                        new EventDocument(batch.stream(), batch, new Date(0)),
                        EncoderContext.builder().build());
        return new DocumentCodec()
                .decode(new BsonDocumentReader(bson), DecoderContext.builder().build());
    }
}
