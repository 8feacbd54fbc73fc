/**
 * A complete chat completion service: an API for OpenAI's clients, streamed answers that clients can resume, and a page to try it. {@link
 * dev.handoff.examples.chat.ChatCommand} starts it.
 */
@NullMarked
package dev.handoff.examples.chat;

import org.jspecify.annotations.NullMarked;
