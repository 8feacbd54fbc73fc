package dev.handoff.examples.chat;

import org.jspecify.annotations.Nullable;

/**
 * The text of a message.
 *
 * @param text its text; the parts one after the other, if it has several
 * @param otherPart the name of the first parameter that is a part other than text, such as an image; null if there is none
 */
record ChatMessage(String text, @Nullable String otherPart) {}
