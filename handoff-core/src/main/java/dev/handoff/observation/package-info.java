/** What an application can observe: an interface whose methods receive values. */
@NullMarked
package dev.handoff.observation;

import org.jspecify.annotations.NullMarked;
