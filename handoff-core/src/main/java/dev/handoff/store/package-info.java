/** Defines the storage of streams. Back ends implement these interfaces; adapters read through them. */
@NullMarked
package dev.handoff.store;

import org.jspecify.annotations.NullMarked;
