/**
 * The work that is handed off: a {@link dev.handoff.task.Task}, the {@link dev.handoff.task.TaskHandler} that does it, and the {@link
 * dev.handoff.task.TaskDispatcher} that brings the two together.
 */
@NullMarked
package dev.handoff.task;

import org.jspecify.annotations.NullMarked;
