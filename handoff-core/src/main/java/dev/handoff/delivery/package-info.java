/** From events to bytes: formats, event ids and the writer of Server-Sent Events. */
@NullMarked
package dev.handoff.delivery;

import org.jspecify.annotations.NullMarked;
