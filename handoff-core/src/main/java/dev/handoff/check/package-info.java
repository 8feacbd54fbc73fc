/** Checks of arguments: times, numbers and texts of one line. For the other packages and for adapters. */
@NullMarked
package dev.handoff.check;

import org.jspecify.annotations.NullMarked;
