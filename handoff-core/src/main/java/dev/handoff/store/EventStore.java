// SPDX-License-Identifier: Apache-2.0
package dev.handoff.store;

import dev.handoff.task.TaskDispatcher;

/**
 * Stores streams. Back ends implement this interface. {@code EventStoreContract} in handoff-testkit tests its rules.
 *
 * <pre>{@code
 * EventAppender appender = store.appender(streamId, 1);
 * appender.append("page", "the first page");
 * appender.end(End.completed(null));
 *
 * EventStream.Batch batch = store.open(streamId).read(EventStream.BEGINNING, 100);
 * batch.events().forEach(event -> System.out.println(event.data()));
 * }</pre>
 *
 * <p>Thread-safe.
 */
public interface EventStore {

    /**
     * Returns the stream of a task, for reading. If the stream has no writer yet, it reads as empty, because a reader may come before the
     * first writer. {@link TaskDispatcher#status} tells whether the task exists.
     *
     * @throws IllegalArgumentException if the id is not 32 lower-case hexadecimal digits
     */
    EventStream open(String streamId);

    /**
     * Returns a writer of a stream. May block. When this returns, each writer with a lower epoch is fenced.
     *
     * @param epoch the number of the attempt, 1 or more; higher than the epoch of each earlier writer
     * @throws IllegalArgumentException if the id or the epoch is not valid
     * @throws StaleWriterException if a writer with this epoch or a higher one is known
     */
    EventAppender appender(String streamId, int epoch);
}
