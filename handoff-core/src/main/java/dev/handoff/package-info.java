/**
 * The hand-off pattern without a framework. Its two ends have the same shape: {@link dev.handoff.Handoff} takes a request for work and
 * returns a reply that leads the client to a stream; {@link dev.handoff.StreamEndpoint} takes a request for a stream and returns what
 * the client reads.
 *
 * <p>Nothing in this module knows servlets or a database. Everything is thread-safe unless it says otherwise, and no type
 * here starts a thread.
 */
@NullMarked
package dev.handoff;

import org.jspecify.annotations.NullMarked;
