/**
 * Contracts for those who write a back end or an adapter: the rules of an interface, as tests.
 *
 * <p>To test a store, a dispatcher or a servlet container, extend its contract, supply the object, and run the class with
 * JUnit. The numbers R1 to R16 in the names of the tests are those of the rules in ARCHITECTURE.md. Those who only test their
 * handlers and endpoints need {@code dev.handoff.testkit} instead.
 */
@NullMarked
package dev.handoff.testkit.contract;

import org.jspecify.annotations.NullMarked;
