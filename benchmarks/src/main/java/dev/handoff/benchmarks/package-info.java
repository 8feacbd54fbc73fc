/**
 * Measures the library by storms: a server under load, a client that creates the load, and the servers with which the library is compared.
 */
@NullMarked
package dev.handoff.benchmarks;

import org.jspecify.annotations.NullMarked;
