package dev.handoff.observation;

import java.time.Duration;

/**
 * Is told what a store and its workers do, as values for metrics. Each method does nothing unless it is overridden.
 *
 * <p>Threads that write, read and run tasks call these methods. An implementation is thread-safe and returns at once. The caller logs what an
 * implementation throws and goes on.
 */
public interface HandoffObserver {

    /** The observer that does nothing. */
    HandoffObserver NONE = new HandoffObserver() {};

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
     * The bytes that writers of this process have given to the store, and that it has not acknowledged, have changed. Called once for each write,
     * not for each event.
     */
    default void pendingBytes(long bytes) {}

    /** A writer found that another writer has taken its stream over. */
    default void fenced(String streamId) {}

    /**
     * The tails of streams with readers were fetched.
     *
     * @param streams how many streams were asked for
     * @param batches how many batches were found
     * @param bytes about how many bytes they have
     * @param took how long the database took
     */
    default void fetched(int streams, int batches, long bytes, Duration took) {}

    /**
     * A batch of another process was read.
     *
     * @param lag the time from the write of the batch to its arrival here, by the time of the database server. It can be off by some milliseconds
     */
    default void tailLag(Duration lag) {}

    /**
     * A worker claimed a task.
     *
     * @param queued how long the task was queued, by the time of the database server
     */
    default void claimed(String type, Duration queued) {}

    /**
     * How many tasks of a type are queued. Called with each sweep. The number is counted up to 10,000.
     */
    default void queueLength(String type, long tasks) {}

    /**
     * A sweep has ended.
     *
     * @param lost how many tasks it took from lost workers
     * @param took how long it took
     */
    default void swept(int lost, Duration took) {}

    /**
     * How long ago this worker renewed its lease, when it begins to renew it again. A value near the lease time is an alarm.
     */
    default void leaseAge(Duration age) {}
}
