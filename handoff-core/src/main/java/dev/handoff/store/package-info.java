/** Where streams are kept. For back ends, which implement it, and adapters, which read from it. */
@NullMarked
package dev.handoff.store;

import org.jspecify.annotations.NullMarked;
