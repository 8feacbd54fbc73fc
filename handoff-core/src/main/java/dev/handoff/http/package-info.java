/**
 * Represents HTTP requests, answers and errors, independent of a server: {@link dev.handoff.http.HandoffRequest},
 * {@link dev.handoff.http.Reply} and {@link dev.handoff.http.Problem}.
 */
@NullMarked
package dev.handoff.http;

import org.jspecify.annotations.NullMarked;
