// SPDX-License-Identifier: Apache-2.0
package dev.handoff.observation;

import java.time.Duration;

/**
 * Receives values for metrics from application servers, streaming servers, dispatchers, stores and workers. Each method does nothing unless
 * it is overridden. The parameter {@code type} is the type of a task.
 *
 * <p>Threads that write, read and run tasks call these methods, some of them while they hold a lock. An implementation must be thread-safe,
 * return at once and call nothing of this library. If it throws, the caller logs the exception and continues. Durations are measured in one
 * process by its monotonic clock, unless the method says otherwise.
 */
public interface HandoffObserver {

    /** The observer that does nothing. */
    HandoffObserver NONE = new HandoffObserver() {};

    /** How a run of a task ended. */
    enum RunEnd {
        /** The task completed. */
        COMPLETED,
        /** The task failed, or its end could not be stored. */
        FAILED,
        /** The task was cancelled. */
        CANCELLED,
        /** The run was stopped without an end of the task. The task runs again, or another worker already runs it. */
        RELEASED
    }

    /** Why the response to a reader ended. */
    enum ReaderEnd {
        /** The reader was sent the end of a task that completed. */
        COMPLETED,
        /** The reader was sent the end of a task that failed. */
        FAILED,
        /** The reader was sent the end of a task that was cancelled. */
        CANCELLED,
        /** The client waited for a document for the time of its {@code Prefer: wait} and was answered with 202. */
        WAIT_OVER,
        /** The server cut the response, because the store or the format failed or the stream is no longer kept. */
        CUT,
        /** The server cut the response, because the server drains. */
        DRAINED,
        /** The client left before it was sent the end. */
        CLIENT_GONE,
        /** The server cut the response, because the client took no bytes for as long as the write deadline. */
        TOO_SLOW
    }

    // What application servers and streaming servers do with requests

    /** A dispatcher accepted a new task. */
    default void accepted(String type) {}

    /**
     * A request was led to the stream of an earlier task, because it has the same idempotency key or is a recognized retry. No task was
     * started.
     */
    default void joined(String type) {}

    /**
     * A request with {@code Last-Event-ID} was led back to its stream and started nothing.
     *
     * @param format the name of the format of the stream
     */
    default void resumed(String format) {}

    /**
     * A request for a task or for a stream was refused.
     *
     * @param status the HTTP status of the problem
     * @param code the code of the problem, such as {@code overloaded} or {@code invalid_token}
     */
    default void refused(int status, String code) {}

    // What workers do with tasks

    /**
     * A handler is about to be called.
     *
     * @param waited the time since this process took the task. A worker of a shared queue takes a task when it claims it; a dispatcher
     *     without a shared queue, when it accepts it
     */
    default void started(String type, Duration waited) {}

    /**
     * A run of a task appended its first event.
     *
     * @param sinceStart the time since {@link #started}
     */
    default void firstEvent(String type, Duration sinceStart) {}

    /**
     * A run of a task ended. Called once for each run, even if the handler was never called.
     *
     * @param took the time since {@link #started}; zero if the handler was not called
     * @param events how many events the run appended
     * @param bytes how many bytes the data of these events has in UTF-8
     */
    default void ended(String type, RunEnd end, Duration took, long events, long bytes) {}

    // What streaming servers do for readers

    /**
     * A reader of a stream was connected. {@link #readerClosed} follows once.
     *
     * @param format the name of the format in the token of the reader
     */
    default void readerOpened(String format) {}

    /**
     * The first bytes of a stream were written for a reader. Heartbeats do not count.
     *
     * @param format the name of the format in the token of the reader
     * @param sinceOpened the time since {@link #readerOpened}
     */
    default void firstBytes(String format, Duration sinceOpened) {}

    /**
     * The response to a reader ended.
     *
     * @param format the name of the format in the token of the reader
     * @param end why it ended
     * @param open the time since {@link #readerOpened}
     * @param bytes how many bytes of the stream were written for the reader, without header fields and heartbeats
     */
    default void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {}

    /**
     * What all readers of this streaming server together were sent since the last call. Called about once a second, and only if they were sent
     * anything. The first call may come up to a second after the first event.
     *
     * @param entries how many entries of streams, each once for each reader: events, and the ends of streams. A document counts as one
     * @param bytes how many bytes these have, without header fields and heartbeats
     * @param heartbeats how many heartbeats
     */
    default void delivered(long entries, long bytes, long heartbeats) {}

    // What stores and queues do

    /**
     * One group of batches was stored.
     *
     * @param batches how many batches, each of one stream
     * @param events how many events they have
     * @param bytes about how many bytes they have
     * @param took the time from the first attempt to the acknowledgement
     */
    default void committed(int batches, int events, long bytes, Duration took) {}

    /**
     * A write was not acknowledged and is tried again.
     *
     * @param batches how many batches are tried again
     */
    default void commitRetried(int batches) {}

    /**
     * The number of bytes that the store has not acknowledged has changed. Called once for each write, not for each event.
     *
     * @param bytes how many bytes the writers of this process have passed to the store and the store has not acknowledged
     */
    default void pendingBytes(long bytes) {}

    /** A writer was fenced: another writer has taken over its stream. */
    default void fenced(String streamId) {}

    /**
     * A streaming server fetched the new batches of streams that have readers.
     *
     * @param streams how many streams were asked for
     * @param batches how many batches were found
     * @param bytes about how many bytes they have
     * @param took how long the database took
     */
    default void fetched(int streams, int batches, long bytes, Duration took) {}

    /**
     * A streaming server read a batch that another process wrote.
     *
     * @param lag the time from the write of the batch to its arrival here, by the time of the database server. It can be off by some
     *     milliseconds
     */
    default void tailLag(Duration lag) {}

    /**
     * A worker claimed a task.
     *
     * @param queued how long the task was queued, by the time of the database server
     */
    default void claimed(String type, Duration queued) {}

    /**
     * A sweep counted the queued tasks of a type.
     *
     * @param tasks how many tasks are queued; at most 10,000, because the sweep counts no further
     */
    default void queueLength(String type, long tasks) {}

    /**
     * A sweep, which takes tasks from lost workers, has ended.
     *
     * @param lost how many tasks it took from lost workers
     * @param took how long it took
     */
    default void swept(int lost, Duration took) {}

    /**
     * A worker begins to renew its lease.
     *
     * @param age the time since the last renewal. Alert on a value near the lease time
     */
    default void leaseAge(Duration age) {}
}
