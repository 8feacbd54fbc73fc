// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Implements the built-in model {@code echo}. It repeats the last message of the user word by word, so that the server can be tried without
 * a real model. {@link EchoSettings} control it.
 */
final class EchoModel implements ModelSource {

    /** Matches a word and the white space after it, so that all words together are exactly the message. */
    private static final Pattern WORD = Pattern.compile("\\s*+\\S++\\s*+|\\s++");

    private final List<Model> models = List.of(new Model("echo", Instant.now(), "handoff"));

    @Override
    public List<Model> models() {
        return models;
    }

    @Override
    public void check(ChatRequest request) {
        EchoSettings.of(request);
        ChatMessage prompt = prompt(request);
        if (prompt.otherPart() != null) {
            throw OpenAiErrors.invalid(prompt.otherPart(), "is not text, and the model echo knows only text.");
        }
    }

    @Override
    public void answer(ChatRequest request, ChatAnswer answer) throws InterruptedException {
        EchoSettings settings = EchoSettings.of(request);
        String text = prompt(request).text();
        CountDownLatch cancelled = new CountDownLatch(1);
        answer.onCancel(cancelled::countDown);
        answer.begin();
        int said = 0;
        for (int round = 1; round <= settings.repeat(); round++) {
            // Reads one word at a time. All words of a large message would take many times its size in memory.
            Matcher word = WORD.matcher(text);
            while (word.find()) {
                failIfDue(settings, said);
                if (cancelled.await(settings.delay().toNanos(), TimeUnit.NANOSECONDS)) {
                    return;
                }
                boolean joint = word.end() == text.length() && round < settings.repeat();
                answer.say(joint ? word.group() + ' ' : word.group());
                said++;
            }
        }
        failIfDue(settings, said);
        answer.finish();
    }

    private static void failIfDue(EchoSettings settings, int said) {
        if (settings.failAfter().orElse(-1) == said) {
            throw new ProblemException(
                    500, "echo_failed", "The model echo failed after " + said + " words, as metadata.fail_after asks.");
        }
    }

    private static ChatMessage prompt(ChatRequest request) {
        ChatMessage prompt = request.prompt();
        if (prompt != null) {
            return prompt;
        }
        throw OpenAiErrors.invalid(
                "messages", "has no message of the role user, which the model echo could say again.");
    }
}
