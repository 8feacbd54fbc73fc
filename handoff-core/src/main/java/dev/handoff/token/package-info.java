/** Seals the right to read a stream or to cancel a task, a {@link dev.handoff.token.Grant}, into a token. */
@NullMarked
package dev.handoff.token;

import org.jspecify.annotations.NullMarked;
