// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds a request for a chat completion, whose known fields are checked. Unknown fields are ignored, because new clients send new fields.
 *
 * <p>It keeps only the parts of the messages that the model echo and the usage need, so it needs little more memory than its text.
 *
 * @param body the whole request, JSON without a byte order mark
 * @param model the id of the requested model
 * @param prompt the last message of the user; null if there is none
 * @param words the number of words in the messages, separated by white space
 * @param stream whether the client requested chunks
 * @param includeUsage whether the last chunk must hold the usage
 * @param echoSettings the fields of {@code metadata} that {@link EchoSettings} knows: their JSON, cut after
 *     {@link EchoSettings#MAX_VALUE_CHARS} characters
 * @param options the parameters that control how the model generates
 * @param endsWithTool whether the last message is the result of a tool
 */
record ChatRequest(
        String body,
        String model,
        @Nullable ChatMessage prompt,
        int words,
        boolean stream,
        boolean includeUsage,
        Map<String, String> echoSettings,
        ChatOptions options,
        boolean endsWithTool) {

    /**
     * Parses a request.
     *
     * @throws ProblemException with status 400 if the text is not a valid request; the detail names the parameter
     */
    static ChatRequest parse(String text) {
        return RequestTokens.parse(text, body -> new ChatRequestReader(body).read());
    }

    /** Returns a text without the content, which may be private. */
    @Override
    public String toString() {
        return "ChatRequest[model=" + model + ", body=" + body.length() + " characters]";
    }
}
