package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The built-in model {@code echo}: says the last message of the user again, word by word, so that everything can be tried
 * without a model. {@link EchoSettings} steer it.
 */
final class EchoModel implements ModelSource {

    /** A word with the white space after it, so that all words together are exactly the message. */
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
            // One word at a time: all words of a large message would take many times its size.
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
