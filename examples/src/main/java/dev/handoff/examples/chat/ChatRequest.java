// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
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

    /** While it is read, a request needs up to five times its size in memory, so large requests are read one after the other. */
    private static final ReentrantLock ONE_LARGE = new ReentrantLock();

    private static final int LARGE_CHARS = 256 << 10;

    /**
     * Parses a request.
     *
     * @throws ProblemException with status 400 if the text is not a valid request; the detail names the parameter
     */
    static ChatRequest parse(String text) {
        // RFC 8259, 8.1: a parser may ignore a byte order mark.
        String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (body.length() < LARGE_CHARS) {
            return new ChatRequestReader(body).read();
        }
        ONE_LARGE.lock();
        try {
            return new ChatRequestReader(body).read();
        } finally {
            ONE_LARGE.unlock();
        }
    }

    /** Returns a text without the content, which may be private. */
    @Override
    public String toString() {
        return "ChatRequest[model=" + model + ", body=" + body.length() + " characters]";
    }
}
