// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import org.jspecify.annotations.Nullable;

/**
 * Holds the text of a message.
 *
 * @param text the text; if the message has several parts, their texts joined
 * @param otherPart the name of the first part that is not text, such as an image; null if there is none
 */
record ChatMessage(String text, @Nullable String otherPart) {}
