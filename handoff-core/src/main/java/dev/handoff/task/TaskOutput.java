package dev.handoff.task;

import dev.handoff.http.ProblemException;
import dev.handoff.store.StaleWriterException;
import org.jspecify.annotations.Nullable;

/**
 * What a handler says while it works. Thread-safe; what one thread emits keeps its order.
 */
public interface TaskOutput {

    /**
     * Appends an event to the stream. Blocks while the store is behind.
     *
     * @param type the type of the event, or null. {@code completed}, {@code cancelled}, {@code failed} and
     *     {@code interrupted} show how a stream ended, and {@code error} and {@code open} are events of a browser's
     *     {@code EventSource} itself: none of them can be used
     * @param data any text
     * @throws java.util.concurrent.CancellationException if the task was cancelled: stop working
     * @throws IllegalStateException if the stream has ended, because the handler has returned
     * @throws IllegalArgumentException if the type cannot be one; nothing was appended
     * @throws ProblemException if the store is full; nothing was appended
     * @throws StaleWriterException if another worker has taken over: stop working
     */
    void emit(@Nullable String type, String data);

    /** Appends an event without a type. */
    default void emit(String data) {
        emit(null, data);
    }

    /**
     * Sets what the whole comes to, for those who ask for the result instead of the events. It is told when the handler
     * returns; the last call counts.
     *
     * @param result the result, JSON by convention
     */
    void complete(String result);

    /** Whether the task was cancelled, so that there is no use in going on. Never blocks. */
    boolean cancelled();

    /**
     * Registers what to do when the task is cancelled, such as closing a connection or waking the handler. It runs at once
     * if that has happened already.
     *
     * <p>Actions run in the order of their registration, in the thread that cancels, while the stream can still be written
     * by this thread, though by no other: so an action may {@link #emit} a last word. The stream ends when all have run, so
     * they must return soon and must not wait for the handler. What one throws is logged.
     *
     * <p>They also run when nobody cancels but the worker is stopped. The stream has ended with an error then, and
     * {@link #emit} throws: a last word would make an answer look whole that is not.
     */
    void onCancel(Runnable action);
}
