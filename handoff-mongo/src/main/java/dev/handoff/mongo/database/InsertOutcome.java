package dev.handoff.mongo.database;

import org.jspecify.annotations.Nullable;

/**
 * What became of one inserted document.
 *
 * @param detail what the database says about it, if it says anything
 */
public record InsertOutcome(Kind kind, @Nullable String detail) {

    /** The kinds of outcome. */
    public enum Kind {
        /** It is stored as durably as the write concern asks for. */
        STORED,
        /** A document with the same unique key exists. It may be this very document, whose first answer got lost. */
        DUPLICATE,
        /** The database has refused it, and would refuse it again. */
        REFUSED,
        /** It may or may not be stored. */
        UNKNOWN
    }

    /** The outcome of a stored document. */
    public static final InsertOutcome STORED = new InsertOutcome(Kind.STORED, null);
}
