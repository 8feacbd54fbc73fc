/** What lets a client read a stream or cancel a task: a {@link dev.handoff.token.Grant}, sealed into a token. */
@NullMarked
package dev.handoff.token;

import org.jspecify.annotations.NullMarked;
