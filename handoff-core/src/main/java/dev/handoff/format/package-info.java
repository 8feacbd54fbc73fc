/** Renders a stream for its client: as Server-Sent Events, as JSON lines, or as one document. */
@NullMarked
package dev.handoff.format;

import org.jspecify.annotations.NullMarked;
