package dev.handoff.mongo.database;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Chooses how many documents an answer of the server may have. A server bounds an answer by 16 MB only. This class remembers
 * the size of large documents for a while, so that answers with them have fewer documents. Thread-safe.
 */
final class AnswerSize {

    private static final int MOST_DOCUMENTS = 200;
    /** After a larger one, each smaller document lowers the size by this fraction. */
    private static final int DECAY = 64;

    private final AtomicLong size = new AtomicLong(4096);

    /** Returns how many documents have about this many bytes together. */
    int documents(long bytes) {
        return (int) Math.max(1, Math.min(MOST_DOCUMENTS, bytes / Math.max(1, size.get())));
    }

    /** Notes the size of a document and returns it. */
    long note(long bytes) {
        size.updateAndGet(s -> bytes >= s ? bytes : s - (s - bytes) / DECAY);
        return bytes;
    }
}
