package dev.handoff.store;

import dev.handoff.task.TaskDispatcher;

/**
 * Where streams are kept: what a back end implements. Its rules are checked by {@code EventStoreContract} of
 * handoff-testkit.
 *
 * <p>Thread-safe.
 */
public interface EventStore {

    /**
     * The stream of a task, for reading. A stream that nobody has written yet is empty, not an error: a reader may come
     * before the first writer. Whether there is such a task is for {@link TaskDispatcher#status} to say.
     *
     * @throws IllegalArgumentException if the id is not 32 lower-case hexadecimal digits
     */
    EventStream open(String streamId);

    /**
     * The writer of a stream. Whoever had a lower epoch is fenced as soon as this returns.
     *
     * @param epoch the attempt, 1 or more; higher than that of every writer before
     * @throws IllegalArgumentException if the id or the epoch is none
     * @throws StaleWriterException if a writer with this epoch or a higher one is known
     */
    EventAppender appender(String streamId, int epoch);
}
