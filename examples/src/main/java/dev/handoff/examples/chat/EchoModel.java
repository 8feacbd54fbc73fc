// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Implements the built-in model {@code echo}. It repeats the last message of the user word by word, so that the server can be tried without
 * a real model. {@link EchoSettings} control it. It observes the {@link ChatOptions}; a word is a token.
 */
final class EchoModel implements ModelSource {

    private static final int MAX_STOP_CHARS = 200;

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
        if (request.options().stop().stream().anyMatch(stop -> stop.length() > MAX_STOP_CHARS)) {
            throw OpenAiErrors.invalid(
                    "stop", "is longer than the " + MAX_STOP_CHARS + " characters that the model echo allows.");
        }
    }

    @Override
    public void answer(ChatRequest request, ChatAnswer answer) throws InterruptedException {
        EchoSettings settings = EchoSettings.of(request);
        ChatOptions options = request.options();
        String function = function(request, settings);
        String text = prompt(request).text();
        EchoWords words = function != null || options.json()
                ? EchoWords.ofJson(text, settings.repeat())
                : EchoWords.ofText(text, settings.repeat());
        CountDownLatch cancelled = new CountDownLatch(1);
        answer.onCancel(cancelled::countDown);
        Voice voice = new Voice(answer, function, options.stop());
        voice.begin();
        int said = 0;
        String word = words.next();
        while (word != null && said < options.maxTokens() && !voice.stopped()) {
            failIfDue(settings, said);
            if (cancelled.await(settings.delay().toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
            voice.say(word);
            said++;
            word = words.next();
        }
        failIfDue(settings, said);
        voice.finish(word == null);
    }

    private static void failIfDue(EchoSettings settings, int said) {
        if (settings.failAfter().orElse(-1) == said) {
            throw new ProblemException(
                    500, "echo_failed", "The model echo failed after " + said + " words, as metadata.fail_after asks.");
        }
    }

    /** Returns the function to call; null to answer with text. A setting calls a function only once in a conversation. */
    private static @Nullable String function(ChatRequest request, EchoSettings settings) {
        ChatOptions options = request.options();
        if (options.required() != null) {
            return options.required();
        }
        return options.mayCall() && !request.endsWithTool() ? settings.callTool() : null;
    }

    private static ChatMessage prompt(ChatRequest request) {
        ChatMessage prompt = request.prompt();
        if (prompt != null) {
            return prompt;
        }
        throw OpenAiErrors.invalid(
                "messages", "has no message of the role user, which the model echo could say again.");
    }

    /** Says words as the text of an answer or as the arguments of a function. */
    private static final class Voice {

        private final ChatAnswer answer;
        private final @Nullable String function;
        private final StopTexts stops;

        /**
         * Creates a voice that has said nothing.
         *
         * @param function the function to call; null to answer with text
         * @param stops the texts before which a text ends; they do not end arguments
         */
        Voice(ChatAnswer answer, @Nullable String function, List<String> stops) {
            this.answer = answer;
            this.function = function;
            this.stops = new StopTexts(function == null ? stops : List.of());
        }

        void begin() {
            if (function == null) {
                answer.begin();
            } else {
                answer.beginCall(function);
            }
        }

        void say(String word) {
            emit(stops.pass(word));
        }

        boolean stopped() {
            return stops.found();
        }

        private void emit(String text) {
            if (text.isEmpty()) {
                return;
            }
            if (function == null) {
                answer.say(text);
            } else {
                answer.addArguments(text);
            }
        }

        void finish(boolean complete) {
            emit(stops.rest());
            if (!complete && !stopped()) {
                answer.finish("length");
            } else {
                answer.finish(function == null ? "stop" : "tool_calls");
            }
        }
    }
}
