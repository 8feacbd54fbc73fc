// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bson.BsonArray;
import org.bson.BsonBinaryReader;
import org.bson.BsonBinaryWriter;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonInt32;
import org.bson.BsonString;
import org.bson.BsonValue;
import org.bson.codecs.BsonDocumentCodec;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.EncoderContext;
import org.bson.io.BasicOutputBuffer;
import org.jspecify.annotations.Nullable;

/** Reads and makes messages of the wire protocol: 16 bytes of header, 4 of flags, then sections that begin with their kind. */
final class WireMessage {

    private static final int OP_MSG = 2013;
    private static final int SECTIONS = 20;
    private static final BsonDocumentCodec CODEC = new BsonDocumentCodec();

    private WireMessage() {}

    private static ByteBuffer buffer(byte[] message) {
        return ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    }

    static int id(byte[] message) {
        return buffer(message).getInt(4);
    }

    static int answeredId(byte[] message) {
        return buffer(message).getInt(8);
    }

    /** Returns the name of the command, or an empty string if this is none, or one by which the driver makes or watches a connection. */
    static String command(byte[] message) {
        if (buffer(message).getInt(12) != OP_MSG || message[SECTIONS] != 0) {
            return "";
        }
        BsonDocument body = body(message);
        return body.containsKey("helloOk") ? "" : body.getFirstKey();
    }

    static BsonDocument body(byte[] message) {
        return document(message, SECTIONS + 1);
    }

    private static BsonDocument document(byte[] message, int offset) {
        int length = buffer(message).getInt(offset);
        try (BsonBinaryReader reader = new BsonBinaryReader(
                ByteBuffer.wrap(message, offset, length).slice().order(ByteOrder.LITTLE_ENDIAN))) {
            return CODEC.decode(reader, DecoderContext.builder().build());
        }
    }

    /** Returns the documents of an insert, which stand in its body or in a section of their own. */
    static List<BsonDocument> documents(byte[] message) {
        BsonDocument body = body(message);
        if (body.containsKey("documents")) {
            return body.getArray("documents").stream()
                    .map(BsonValue::asDocument)
                    .toList();
        }
        List<BsonDocument> documents = new ArrayList<>();
        int section = SECTIONS + 1 + buffer(message).getInt(SECTIONS + 1);
        // A kind, a length, and the name of the sequence, which ends with a zero.
        int end = section + 1 + buffer(message).getInt(section + 1);
        int next = section + 5 + "documents".length() + 1;
        while (next < end) {
            documents.add(document(message, next));
            next += buffer(message).getInt(next);
        }
        return documents;
    }

    /** Returns an insert like another with these documents. */
    static byte[] insert(int id, BsonDocument body, List<BsonDocument> documents) {
        return message(id, 0, body.clone().append("documents", new BsonArray(documents)));
    }

    static byte[] answer(int answeredId, BsonDocument document) {
        return message(1_000_000_000, answeredId, document);
    }

    private static byte[] message(int id, int answeredId, BsonDocument body) {
        BasicOutputBuffer bson = new BasicOutputBuffer();
        CODEC.encode(new BsonBinaryWriter(bson), body, EncoderContext.builder().build());
        byte[] bytes = bson.toByteArray();
        int length = SECTIONS + 1 + bytes.length;
        return ByteBuffer.allocate(length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(length)
                .putInt(id)
                .putInt(answeredId)
                .putInt(OP_MSG)
                .putInt(0)
                .put((byte) 0)
                .put(bytes)
                .array();
    }

    static BsonDocument error(int code, String codeName, String... labels) {
        BsonDocument error = new BsonDocument("ok", new BsonDouble(0))
                .append("code", new BsonInt32(code))
                .append("codeName", new BsonString(codeName))
                .append("errmsg", new BsonString("a test"));
        if (labels.length > 0) {
            error.append(
                    "errorLabels",
                    new BsonArray(List.of(labels).stream().map(BsonString::new).toList()));
        }
        return error;
    }

    static BsonDocument writeConcernError(int code, String codeName) {
        return new BsonDocument("code", new BsonInt32(code))
                .append("codeName", new BsonString(codeName))
                .append("errmsg", new BsonString("a test"));
    }

    /**
     * Returns the answer to an insert of which only some documents have reached the server.
     *
     * @param kept the indexes of the documents that have reached it
     * @param answer what the server has answered to these; null if there were none
     */
    static BsonDocument withErrors(
            FaultProxy.Fault.WriteErrors fault, int documents, List<Integer> kept, @Nullable BsonDocument answer) {
        BsonDocument all = answer == null
                ? new BsonDocument("ok", new BsonDouble(1)).append("n", new BsonInt32(0))
                : answer.clone();
        BsonArray errors = new BsonArray();
        for (BsonValue own : all.getArray("writeErrors", new BsonArray())) {
            int index = own.asDocument().getNumber("index").intValue();
            errors.add(own.asDocument().clone().append("index", new BsonInt32(kept.get(index))));
        }
        for (int i = 0; i < documents; i++) {
            if (fault.failing().contains(i)) {
                errors.add(new BsonDocument("index", new BsonInt32(i))
                        .append("code", new BsonInt32(fault.code()))
                        .append("errmsg", new BsonString("a test")));
            }
        }
        return all.append("writeErrors", errors);
    }
}
