// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import dev.handoff.http.ProblemCode;
import dev.handoff.store.EventAppender;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the stream of one run: its events, and once an end is decided, that end. If the store refuses the end, the caller tries
 * again until this class gives up.
 *
 * <p>Not thread-safe, except for {@link #decided}: the run holds its lock.
 */
final class StreamWriter {

    private static final Logger logger = LoggerFactory.getLogger(TaskRun.class);

    private final String taskId;
    private final long retryEndNanos;
    private final Ticker ticker;
    final ObservedRun observed;
    // Null when they are no longer needed.
    private @Nullable Supplier<EventAppender> appenders;
    private @Nullable EventAppender appender;

    /** The end that the store has not taken yet; null before there is one, and when it is stored or given up. */
    private volatile @Nullable End decided;

    private long decidedAt;
    /** Whether an attempt to store the end failed in a way that leaves open whether it is stored. */
    private boolean inDoubt;

    StreamWriter(
            String taskId, Supplier<EventAppender> appenders, long retryEndNanos, Ticker ticker, ObservedRun observed) {
        this.taskId = taskId;
        this.appenders = appenders;
        this.retryEndNanos = retryEndNanos;
        this.ticker = ticker;
        this.observed = observed;
    }

    /** Returns whether the appender was opened, so that the stream may have an entry. */
    boolean isOpened() {
        return appender != null;
    }

    void append(@Nullable String type, String data) {
        appender().append(type, data);
        observed.appended(data);
    }

    /** Decides how the stream ends. Stores nothing. */
    void decide(End end) {
        decided = end;
        decidedAt = ticker.read();
    }

    /** Returns the end that is decided and neither stored nor given up, or null. */
    @Nullable
    End decided() {
        return decided;
    }

    /**
     * Tries once to store the end, if one is decided. Returns the last state of the run if the end is stored or given up now,
     * else null.
     */
    TaskStatus.@Nullable State tryEnd() {
        End end = decided;
        if (end == null) {
            return null;
        }
        try {
            appender().end(end);
            return stateAfter(end);
        } catch (StaleWriterException e) {
            logger.info("the stream of task {} has another writer or has ended: {}", taskId, e.getMessage());
            // If an earlier attempt was in doubt, it is the one that has ended the stream.
            return inDoubt ? stateAfter(end) : TaskStatus.State.FAILED;
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            if (e instanceof IllegalArgumentException
                    && end instanceof End.Completed completed
                    && completed.result() != null) {
                logger.error("the store refused the result of task {}", taskId, e);
                decided = End.failed(ProblemCode.RESULT_REFUSED.problem("The result could not be stored."));
                return tryEnd();
            }
            if (ticker.read() - decidedAt >= retryEndNanos) {
                return giveUp(end, e);
            }
            logger.debug("the store refused the end of task {}, trying again", taskId, e);
            inDoubt = true;
            return null;
        }
    }

    /** Gives up to store an end, and returns the last state of the run. */
    TaskStatus.State giveUp(End end, Throwable cause) {
        // Not thrown: the handler is done, and the caller cannot do anything about it.
        logger.error("the stream of task {} could not be ended as {}", taskId, stateAfter(end), cause);
        return TaskStatus.State.FAILED;
    }

    /** Drops all references, because nothing is to be written any more. */
    void close() {
        decided = null;
        appenders = null;
        appender = null;
    }

    private static TaskStatus.State stateAfter(End end) {
        if (end instanceof End.Completed) {
            return TaskStatus.State.COMPLETED;
        }
        return end instanceof End.Failed ? TaskStatus.State.FAILED : TaskStatus.State.CANCELLED;
    }

    private EventAppender appender() {
        EventAppender open = appender;
        if (open == null) {
            open = Objects.requireNonNull(
                    Objects.requireNonNull(appenders, "the run is over").get(),
                    "the function that opens the appender returned null");
            appender = open;
        }
        return open;
    }
}
