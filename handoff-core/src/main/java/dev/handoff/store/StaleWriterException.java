package dev.handoff.store;

/**
 * Thrown to a writer whose stream has gone on without it: another writer with a higher epoch has taken over, or the stream
 * has ended. What it tried to append is not in the stream and never will be.
 */
public final class StaleWriterException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** A message that names the stream and what has overtaken the writer. */
    public StaleWriterException(String message) {
        super(message);
    }
}
