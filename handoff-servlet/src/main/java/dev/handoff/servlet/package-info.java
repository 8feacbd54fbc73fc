/**
 * Connects the core to servlet containers (Servlet 6.0). {@link dev.handoff.servlet.HandoffFilter} dispatches tasks in the application.
 * {@link dev.handoff.servlet.EventStreamServlet} delivers their streams on the streaming server. {@link
 * dev.handoff.servlet.HandoffServlets} registers both.
 */
@NullMarked
package dev.handoff.servlet;

import org.jspecify.annotations.NullMarked;
