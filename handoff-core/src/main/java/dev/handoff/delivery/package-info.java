/**
 * Turns a stream into the bytes of a response: {@link dev.handoff.delivery.Feed feeds}, what their readers share, event ids, and the writer
 * of Server-Sent Events. For adapters of servers.
 */
@NullMarked
package dev.handoff.delivery;

import org.jspecify.annotations.NullMarked;
