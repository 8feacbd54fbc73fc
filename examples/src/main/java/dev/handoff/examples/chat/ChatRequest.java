package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A request for a chat completion, checked as far as this server looks into it. It ignores unknown fields, because
 * clients send more every year.
 *
 * <p>Of the messages it keeps only what the model echo and the usage need, so it costs little more memory than its text.
 *
 * @param body the whole request, JSON without a byte order mark
 * @param model the model that is to answer
 * @param prompt the last message of the user; null if there is none
 * @param words how many words the messages have, between white space
 * @param stream whether the answer is wanted in chunks
 * @param includeUsage whether the chunks shall end with one that counts tokens
 * @param echoSettings the fields of {@code metadata} that {@link EchoSettings} knows: their JSON, cut after 50
 *     characters
 */
record ChatRequest(
        String body,
        String model,
        @Nullable ChatMessage prompt,
        int words,
        boolean stream,
        boolean includeUsage,
        Map<String, String> echoSettings) {

    /** A request takes up to five times its size while it is read, so large ones are read one after the other. */
    private static final ReentrantLock ONE_LARGE = new ReentrantLock();

    private static final int LARGE_CHARS = 256 << 10;

    /**
     * Returns the request that a text holds.
     *
     * @throws ProblemException with status 400 if it is none; the detail names the parameter
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

    /** Leaves out the content, which may be private. */
    @Override
    public String toString() {
        return "ChatRequest[model=" + model + ", body=" + body.length() + " characters]";
    }
}
