// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Submits the jobs of a queue to the executor of the application. Thread-safe. */
record Jobs(Executor executor) {

    private static final Logger logger = LoggerFactory.getLogger(Jobs.class);

    /** Submits a job that may block. Returns whether the executor accepted it. Never throws, so the caller can try again later. */
    boolean submit(Runnable job) {
        try {
            executor.execute(job);
            return true;
        } catch (RejectedExecutionException e) {
            logger.debug("the executor of the queue rejected a job", e);
        } catch (RuntimeException | Error e) {
            logger.warn("the executor of the queue failed", e);
        }
        return false;
    }
}
