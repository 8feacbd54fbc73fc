/** Serves streams that Python workers write through minibatch. */
@NullMarked
package dev.handoff.minibatch;

import org.jspecify.annotations.NullMarked;
