// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Chooses how many documents the server may return in one answer. The server itself limits an answer only to 16 MB. This class remembers
 * the size of the largest recent document, so that answers with large documents hold fewer of them. Thread-safe.
 */
final class AnswerSize {

    private static final int MOST_DOCUMENTS = 200;
    /** A document that is smaller than the remembered size lowers that size by the difference divided by this number. */
    private static final int DECAY = 64;

    private final AtomicLong size = new AtomicLong(4096);

    /** Returns how many documents fit into this many bytes, at least 1 and at most {@link #MOST_DOCUMENTS}. */
    int documents(long bytes) {
        return (int) Math.max(1, Math.min(MOST_DOCUMENTS, bytes / Math.max(1, size.get())));
    }

    /** Records the size of a document in bytes and returns it. */
    long note(long bytes) {
        size.updateAndGet(s -> bytes >= s ? bytes : s - (s - bytes) / DECAY);
        return bytes;
    }
}
