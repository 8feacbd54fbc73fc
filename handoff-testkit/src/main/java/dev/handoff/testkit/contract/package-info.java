/**
 * Contains the contract tests for back ends and adapters. Each contract tests the rules of an interface.
 *
 * <p>To test a store, a dispatcher or a servlet container, extend its contract, supply the object, and run the class with JUnit. The
 * numbers R1 to R16 in the names of the tests are the numbers of the rules in ARCHITECTURE.md. For tests of handlers and endpoints use
 * {@code dev.handoff.testkit} instead.
 */
@NullMarked
package dev.handoff.testkit.contract;

import org.jspecify.annotations.NullMarked;
