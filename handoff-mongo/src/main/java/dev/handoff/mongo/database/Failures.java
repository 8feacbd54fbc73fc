// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.MongoInterruptedException;
import org.slf4j.Logger;

/** Logs failures of background work that is retried. */
public final class Failures {

    private Failures() {}

    /**
     * Logs a failure as a warning. Logs an interruption at debug level, because it is a request to stop, for example when an executor is
     * shut down.
     *
     * @param message says what failed and what happens next; its last placeholder is for the failure
     * @param arguments the values for the other placeholders
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
