/** Provides monotonic time, which tests and dispatchers can replace. */
@NullMarked
package dev.handoff.time;

import org.jspecify.annotations.NullMarked;
