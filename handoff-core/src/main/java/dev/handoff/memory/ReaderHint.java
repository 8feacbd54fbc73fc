// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.store.EventStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hint of one reader, which runs after each append to a stream. It is compared by identity, so a reader may register the
 * same {@code Runnable} twice.
 */
final class ReaderHint implements EventStream.Watch {

    private static final Logger logger = LoggerFactory.getLogger(InMemoryEventStore.class);

    // Null once the watch is closed, so that a closed watch keeps neither the reader nor the log on the heap.
    private volatile @Nullable Runnable action;
    private volatile @Nullable StreamLog log;

    ReaderHint(Runnable action, StreamLog log) {
        this.action = action;
        this.log = log;
    }

    /** Runs the action unless the watch is closed. Throws nothing: a failing reader affects neither the writer nor other readers. */
    void run() {
        Runnable open = action;
        if (open == null) {
            return;
        }
        try {
            open.run();
        } catch (RuntimeException | Error e) {
            logger.warn("the hint of a reader threw an exception", e);
        }
    }

    @Override
    public void close() {
        action = null;
        StreamLog registered = log;
        log = null;
        if (registered != null) {
            registered.unregister(this);
        }
    }
}
