// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import org.jspecify.annotations.Nullable;

/** Thrown when an operation on the database has failed. */
public final class DatabaseException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final boolean refused;

    private DatabaseException(@Nullable String message, @Nullable Throwable cause, boolean refused) {
        super(message, cause);
        this.refused = refused;
    }

    /** Returns an exception for an operation whose outcome is unknown. The caller may repeat the operation. */
    public static DatabaseException unknown(@Nullable String message, @Nullable Throwable cause) {
        return new DatabaseException(message, cause, false);
    }

    /** Returns an exception for an operation that the database refused and would refuse again. */
    public static DatabaseException refused(@Nullable String message, @Nullable Throwable cause) {
        return new DatabaseException(message, cause, true);
    }

    /**
     * Returns whether the database refused the operation, which then changed nothing, and would refuse it again. If false, the outcome is
     * unknown.
     */
    public boolean refused() {
        return refused;
    }
}
