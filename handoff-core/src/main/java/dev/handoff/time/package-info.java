/** The source of monotonic time, which tests and dispatchers may replace. */
@NullMarked
package dev.handoff.time;

import org.jspecify.annotations.NullMarked;
