/** Contains a store and a dispatcher that keep everything in the memory of this process. */
@NullMarked
package dev.handoff.memory;

import org.jspecify.annotations.NullMarked;
