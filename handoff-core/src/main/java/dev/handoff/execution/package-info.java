/** Runs a task and writes its stream. For dispatchers. */
@NullMarked
package dev.handoff.execution;

import org.jspecify.annotations.NullMarked;
