/** Defines the entries of a stream: {@link dev.handoff.stream.Event events} and one {@link dev.handoff.stream.End end}. */
@NullMarked
package dev.handoff.stream;

import org.jspecify.annotations.NullMarked;
