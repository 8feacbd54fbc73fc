package dev.handoff.mongo.database;

import com.mongodb.MongoInterruptedException;
import org.slf4j.Logger;

/** Logs failures of background work, which is tried again. */
public final class Failures {

    private Failures() {}

    /**
     * Logs a failure as a warning. An interruption is logged at debug only: the owner of the thread asks the work to stop, as an
     * executor that is shut down does.
     *
     * @param message says what failed and what happens next, with a place for the failure at its end
     * @param arguments the values for the other places of the message
     */
    public static void log(Logger logger, Throwable failure, String message, Object... arguments) {
        Object[] all = new Object[arguments.length + 1];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = failure.toString();
        if (failure instanceof MongoInterruptedException || failure.getCause() instanceof MongoInterruptedException) {
            logger.debug(message, all);
        } else {
            logger.warn(message, all);
        }
    }
}
