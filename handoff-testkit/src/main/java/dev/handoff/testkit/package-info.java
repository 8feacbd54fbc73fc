/**
 * The rules of the interfaces, as tests: extend a contract, supply the object, and run it with JUnit. The numbers R1 to R14
 * are those of ARCHITECTURE.md.
 */
@NullMarked
package dev.handoff.testkit;

import org.jspecify.annotations.NullMarked;
