package dev.handoff.mongo.database;

import com.mongodb.MongoException;
import com.mongodb.MongoWriteConcernException;
import java.util.function.Supplier;

/** Runs calls of the driver and turns its exceptions into a {@link DatabaseException}. */
final class DriverCalls {

    private DriverCalls() {}

    /**
     * Returns what the operation returns.
     *
     * @throws DatabaseException if the operation throws anything
     */
    static <T> T call(Supplier<T> operation) {
        try {
            return operation.get();
        } catch (DatabaseException e) {
            throw e;
        } catch (MongoException e) {
            // The server has done an operation that its other servers have not confirmed.
            throw ErrorCodes.isRefusal(e.getCode()) && !(e instanceof MongoWriteConcernException)
                    ? DatabaseException.refused(e.toString(), e)
                    : DatabaseException.unknown(e.toString(), e);
        } catch (RuntimeException e) {
            // The driver throws others, too, for example if the client was closed.
            throw DatabaseException.unknown(e.toString(), e);
        }
    }
}
