/**
 * The hand-off pattern without a framework: a request whose answer takes long becomes a {@link dev.handoff.task.Task}, is
 * accepted by a {@link dev.handoff.task.TaskDispatcher}, and its {@link dev.handoff.store.EventStream} is read elsewhere, by whoever
 * holds the token that {@link dev.handoff.Handoff} sealed into a redirect.
 *
 * <p>Nothing in this package knows servlets or a database. Everything is thread-safe unless it says otherwise, and no type
 * here starts a thread.
 */
@NullMarked
package dev.handoff;

import org.jspecify.annotations.NullMarked;
