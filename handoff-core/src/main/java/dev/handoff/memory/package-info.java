/** A store and a dispatcher that live in this process. */
@NullMarked
package dev.handoff.memory;

import org.jspecify.annotations.NullMarked;
