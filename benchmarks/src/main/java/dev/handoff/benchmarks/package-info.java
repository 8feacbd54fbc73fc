/** The storm: a server under load, a client that makes the load, and what both are measured against. */
@NullMarked
package dev.handoff.benchmarks;

import org.jspecify.annotations.NullMarked;
