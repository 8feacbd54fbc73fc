// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.http.ProblemException;
import dev.handoff.store.StaleWriterException;
import org.jspecify.annotations.Nullable;

/**
 * Receives the events and the result of a task from its handler. Thread-safe: any thread may call it. Events keep the order of the calls.
 *
 * <pre>{@code
 * TaskHandler handler = (task, output) -> {
 *     Process process = new ProcessBuilder("make-report").start();
 *     output.onCancel(process::destroy);
 *     try (BufferedReader lines = process.inputReader()) {
 *         for (String line = lines.readLine(); line != null; line = lines.readLine()) {
 *             output.emit("line", line);
 *         }
 *     }
 *     output.complete("exit status " + process.waitFor());
 * };
 * }</pre>
 */
public interface TaskOutput {

    /**
     * Appends an event to the stream. Blocks the calling thread while the store is slow, so it must not be called on a thread that must not
     * block, such as an event loop.
     *
     * @param type the type of the event; null for none. Six types are not allowed: {@code completed}, {@code cancelled}, {@code failed} and
     *     {@code interrupted} show how a stream ended, and {@code error} and {@code open} are events of the browser's {@code EventSource}
     *     itself
     * @param data any text
     * @throws java.util.concurrent.CancellationException if the task was cancelled or its worker stops; the handler should stop working
     * @throws IllegalStateException if the stream has ended, because the handler has returned or its stage has completed
     * @throws IllegalArgumentException if the type is not allowed, is empty or holds CR, LF or NUL, or if the event is larger than the
     *     store accepts; nothing was appended
     * @throws ProblemException if the stream (507) or the store (503) is full; nothing was appended
     * @throws StaleWriterException if another worker has taken over the stream; nothing was appended, and the handler should stop working
     */
    void emit(@Nullable String type, String data);

    /** Appends an event without a type, as {@link #emit(String, String)} does. */
    default void emit(String data) {
        emit(null, data);
    }

    /**
     * Sets the final result of the task, for clients that request the result instead of the events. This does not end the task. The result
     * is stored with the end of the stream. If this is called several times, the last call counts. Calls after the end of the stream change
     * nothing.
     *
     * @param result the result, JSON by convention
     */
    void complete(String result);

    /** Returns whether the task was cancelled or its worker stops. The handler should then stop working. Never blocks. */
    boolean cancelled();

    /**
     * Registers an action that runs when the task is cancelled, such as closing a connection or waking the handler. If the task was
     * cancelled before, this call runs the action at once. If the task has completed or failed by itself, the action never runs.
     *
     * <p>The thread that cancels the task runs the actions in the order of their registration. Meanwhile only this thread can write to the
     * stream, so an action may {@link #emit} a last event. The stream ends when all actions have run. Actions must therefore return soon
     * and must not wait for the handler. An exception that an action throws is logged.
     *
     * <p>The actions also run when the worker is stopped. The stream has ended with an error by then, and {@link #emit} throws. Otherwise a
     * last event could make an incomplete answer look complete.
     */
    void onCancel(Runnable action);
}
