/**
 * Hands requests off to tasks and serves their streams, without a framework. {@link dev.handoff.Handoff} takes a request for work and
 * returns a reply that leads the client to a stream. {@link dev.handoff.StreamEndpoint} takes a request for a stream and returns what the
 * client reads.
 *
 * <p>Nothing in this module depends on servlets or a database. Everything is thread-safe unless it says otherwise, and no type here starts
 * a thread.
 */
@NullMarked
package dev.handoff;

import org.jspecify.annotations.NullMarked;
