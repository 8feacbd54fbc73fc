/**
 * Helpers for tests of applications. {@link dev.handoff.testkit.Handlers} runs a handler, {@link dev.handoff.testkit.TestHandoff} is a
 * hand-off in memory, {@link dev.handoff.testkit.SseClient} reads a stream over HTTP and resumes it, and {@link
 * dev.handoff.testkit.HandoffAssertions} has the assertions. The contract tests for back ends and adapters are in {@code
 * dev.handoff.testkit.contract}.
 */
@NullMarked
package dev.handoff.testkit;

import org.jspecify.annotations.NullMarked;
