/** Lets an application observe handoff: an interface whose methods receive values for metrics. */
@NullMarked
package dev.handoff.observation;

import org.jspecify.annotations.NullMarked;
