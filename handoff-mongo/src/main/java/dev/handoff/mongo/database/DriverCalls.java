// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.MongoException;
import com.mongodb.MongoWriteConcernException;
import java.util.function.Supplier;

/** Calls the driver and converts its exceptions to {@link DatabaseException}. */
final class DriverCalls {

    private DriverCalls() {}

    /**
     * Runs an operation and returns its result.
     *
     * @throws DatabaseException if the operation throws anything
     */
    static <T> T call(Supplier<T> operation) {
        try {
            return operation.get();
        } catch (DatabaseException e) {
            throw e;
        } catch (MongoException e) {
            // MongoWriteConcernException means that the server applied the write and other servers have not confirmed
            // it, so it is no refusal.
            throw ErrorCodes.isRefusal(e.getCode()) && !(e instanceof MongoWriteConcernException)
                    ? DatabaseException.refused(e.toString(), e)
                    : DatabaseException.unknown(e.toString(), e);
        } catch (RuntimeException e) {
            // The driver also throws exceptions of other types, for example if the client was closed.
            throw DatabaseException.unknown(e.toString(), e);
        }
    }
}
