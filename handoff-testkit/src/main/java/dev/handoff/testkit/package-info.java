/**
 * Helps to test handlers and endpoints. Contains a reader of Server-Sent Events, a clock that a test moves, and a wait for a condition. The
 * contract tests for back ends and adapters are in {@code dev.handoff.testkit.contract}.
 */
@NullMarked
package dev.handoff.testkit;

import org.jspecify.annotations.NullMarked;
