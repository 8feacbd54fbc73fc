/**
 * Adapts handoff to Spring WebFlux. {@link dev.handoff.examples.webflux.StreamWebHandler} serves streams, and {@link
 * dev.handoff.examples.webflux.TaskWebHandler} dispatches tasks.
 */
@NullMarked
package dev.handoff.examples.webflux;

import org.jspecify.annotations.NullMarked;
