/**
 * Helpers for those who test their own handlers and endpoints: a reader of Server-Sent Events, a clock that a test moves, and
 * a way to wait for a condition. Those who write a back end or an adapter find its contract in
 * {@code dev.handoff.testkit.contract}.
 */
@NullMarked
package dev.handoff.testkit;

import org.jspecify.annotations.NullMarked;
