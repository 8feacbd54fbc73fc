/** Checks arguments: times, numbers and texts without line breaks. For the other packages and for adapters. */
@NullMarked
package dev.handoff.check;

import org.jspecify.annotations.NullMarked;
