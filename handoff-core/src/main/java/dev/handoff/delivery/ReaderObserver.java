// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.token.Grant;

/**
 * Is told what becomes of one reader of a stream, for example to trace it. {@link dev.handoff.StreamEndpoint.Builder#readerObserver} adds a
 * function that returns the observer of a reader, from the {@link Grant} of its token. Each method does nothing unless it is overridden.
 *
 * <p>Threads that write to clients call these methods. An implementation is thread-safe, returns at once and calls nothing of this library. The
 * caller logs what an implementation throws and goes on. Values for metrics of all readers go to the {@link HandoffObserver}.
 */
public interface ReaderObserver {

    /** The observer that does nothing. */
    ReaderObserver NONE = new ReaderObserver() {};

    /** The first bytes of the stream were written for the reader. Heartbeats do not count. Called once at most. */
    default void firstBytes() {}

    /** The response to the reader ended. Called once, and last. */
    default void closed(ReaderEnd end) {}
}
