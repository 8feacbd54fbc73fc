package dev.handoff.mongo.database;

import com.mongodb.ErrorCategory;
import com.mongodb.WriteError;
import org.bson.BSONException;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of inserting one document.
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

    /** Returns the outcome of a document that the driver cannot encode or that is too large. The driver has sent nothing. */
    static InsertOutcome unencodable(BSONException e) {
        return new InsertOutcome(Kind.REFUSED, e.toString());
    }

    /** Returns the outcome that an error of the server means. */
    static InsertOutcome of(WriteError error) {
        String detail = error.getCode() + ": " + error.getMessage();
        if (error.getCategory() == ErrorCategory.DUPLICATE_KEY) {
            return new InsertOutcome(Kind.DUPLICATE, detail);
        }
        return new InsertOutcome(ErrorCodes.isRefusal(error.getCode()) ? Kind.REFUSED : Kind.UNKNOWN, detail);
    }
}
