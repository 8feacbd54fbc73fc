// SPDX-License-Identifier: Apache-2.0
package dev.handoff.store;

/**
 * Thrown when another writer with a higher epoch has taken over the stream, or the stream has ended. The entry that the writer tried to
 * append is not in the stream and never will be.
 */
public final class StaleWriterException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /**
     * Creates an exception.
     *
     * @param message names the stream and the reason
     */
    public StaleWriterException(String message) {
        super(message);
    }
}
