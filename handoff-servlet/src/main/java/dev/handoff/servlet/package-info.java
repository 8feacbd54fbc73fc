/**
 * The two ends of a hand-off on a servlet container (Servlet 6.0): {@link dev.handoff.servlet.HandoffFilter} in the
 * application, {@link dev.handoff.servlet.EventStreamServlet} on the streaming server. {@link
 * dev.handoff.servlet.HandoffServlets} registers both.
 */
@NullMarked
package dev.handoff.servlet;

import org.jspecify.annotations.NullMarked;
