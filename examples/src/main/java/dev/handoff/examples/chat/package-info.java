/**
 * A chat completion service, the whole of it: an API that OpenAI's clients speak, answers that stream and can be resumed,
 * and a page to try it with. {@link dev.handoff.examples.chat.ChatCommand} starts it.
 */
@NullMarked
package dev.handoff.examples.chat;

import org.jspecify.annotations.NullMarked;
