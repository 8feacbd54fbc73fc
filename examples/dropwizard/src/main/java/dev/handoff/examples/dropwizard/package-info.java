/** A Dropwizard application: a JAX-RS resource hands requests off, and a servlet of the same server streams the answers. */
@NullMarked
package dev.handoff.examples.dropwizard;

import org.jspecify.annotations.NullMarked;
