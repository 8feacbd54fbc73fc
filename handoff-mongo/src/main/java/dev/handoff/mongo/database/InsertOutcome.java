// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.ErrorCategory;
import com.mongodb.WriteError;
import org.bson.BSONException;
import org.jspecify.annotations.Nullable;

/**
 * Holds the outcome of the insert of one document.
 *
 * @param detail the message of the database; null if it has none
 */
public record InsertOutcome(Kind kind, @Nullable String detail) {

    /** The kinds of outcome. */
    public enum Kind {
        /** The document is stored as durably as the write concern requires. */
        STORED,
        /**
         * A document with the same unique key exists. It may be this very document, if an earlier insert stored it and the answer was lost.
         */
        DUPLICATE,
        /** The database refused the document and would refuse it again. */
        REFUSED,
        /** The document may or may not be stored. */
        UNKNOWN
    }

    /** The outcome of a stored document. */
    public static final InsertOutcome STORED = new InsertOutcome(Kind.STORED, null);

    /** Returns the outcome for a document that is too large or that the driver cannot encode. The driver sent nothing. */
    static InsertOutcome unencodable(BSONException e) {
        return new InsertOutcome(Kind.REFUSED, e.toString());
    }

    /** Returns the outcome for an error of the server. */
    static InsertOutcome of(WriteError error) {
        String detail = error.getCode() + ": " + error.getMessage();
        if (error.getCategory() == ErrorCategory.DUPLICATE_KEY) {
            return new InsertOutcome(Kind.DUPLICATE, detail);
        }
        return new InsertOutcome(ErrorCodes.isRefusal(error.getCode()) ? Kind.REFUSED : Kind.UNKNOWN, detail);
    }
}
