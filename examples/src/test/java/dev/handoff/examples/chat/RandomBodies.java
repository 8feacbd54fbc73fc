// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Creates request bodies from a seed: valid ones, ones with wrong values, and ones that are no JSON. */
final class RandomBodies {

    private static final String FUNCTION = "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}";
    private static final String CALL =
            "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}";

    private static final String[] FIELDS = {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "seed",
        "stop",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "parallel_tool_calls",
        "response_format",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "messages",
        "model",
        "user",
        "metadata",
        "unheard_of",
        ""
    };

    /** Values that some parameter allows. */
    private static final String[] LIKELY = {
        "0",
        "1",
        "2",
        "0.5",
        "-1",
        "true",
        "false",
        "null",
        "\"one\"",
        "[\"one\",\"two\"]",
        "{\"1\":5}",
        "\"auto\"",
        "\"required\"",
        "{\"type\":\"json_object\"}",
        "{\"type\":\"text\"}",
        "[" + FUNCTION + "]",
        FUNCTION,
        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":{}}}",
        "{\"include_usage\":true}",
        "{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}",
        "[{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}]"
    };

    /** Values that are wrong, or hard to read. */
    private static final String[] STRANGE = {
        "99",
        "1e400",
        "-1e99999999999",
        "1e-99999999999",
        "123456789012345678901234567890",
        "-0",
        "\"\"",
        "[]",
        "{}",
        "[null]",
        "[[[]]]",
        "{\"\":{}}",
        "{\"type\":null}",
        "{\"type\":\"function\",\"function\":null}",
        "\"\\ud83d\"",
        "\"\\u0000\\n\"",
        "\"\u00e4\u20ac\ud83d\ude00\"",
        "NaN",
        "Infinity",
        "01",
        "0x1",
        "'a'",
        "tru",
        "",
        "9".repeat(1500),
        "[".repeat(1500),
        "[".repeat(1500) + "]".repeat(1500),
        "{\"" + "k".repeat(60_000) + "\":1}",
        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":[],\"schema\":[]}}",
        "{\"type\":\"allowed_tools\"}"
    };

    private static final String[] RESPONSE_FIELDS = {
        "background",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "model",
        "previous_response_id",
        "reasoning",
        "store",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
        "user"
    };

    private static final String[] MESSAGES = {
        "{\"role\":\"user\",\"content\":\"one two\"}",
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\" two\"}]}",
        "{\"role\":\"system\",\"content\":\"be brief\"}",
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" + CALL + "]}",
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"7\"}"
    };

    private static final String[] STRANGE_MESSAGES = {
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]}",
        "{\"role\":\"user\",\"content\":[{\"type\":[]}]}",
        "{\"role\":\"user\",\"content\":[[]]}",
        "{\"role\":[\"user\"],\"content\":\"one\"}",
        "{\"content\":\"one\"}",
        "{}",
        "[]",
        "null",
        "7",
        "{\"role\":\"assistant\",\"tool_calls\":[{}]}",
        "{\"role\":\"assistant\",\"tool_calls\":[" + FUNCTION + "]}",
        "{\"role\":\"assistant\",\"tool_calls\":{\"id\":{}}}",
        "{\"role\":\"tool\",\"tool_call_id\":{},\"content\":\"7\"}"
    };

    private final Random random;

    RandomBodies(long seed) {
        this.random = new Random(seed);
    }

    /** A request for a chat completion. */
    byte[] next() {
        return next(false);
    }

    /** A request for a response. */
    byte[] nextResponse() {
        return next(true);
    }

    private byte[] next(boolean response) {
        if (random.nextInt(20) == 0) {
            byte[] noise = new byte[random.nextInt(100)];
            random.nextBytes(noise);
            return noise;
        }
        boolean strange = random.nextBoolean();
        byte[] body = (response ? response(strange) : object(strange)).getBytes(StandardCharsets.UTF_8);
        return strange && random.nextInt(3) == 0 ? damaged(body) : body;
    }

    /** A request. One that is not strange has values that are allowed for some parameter, but maybe not for its own. */
    private String object(boolean strange) {
        List<String> fields = new ArrayList<>(List.of(
                "\"model\":\"echo\"",
                "\"stream\":" + random.nextBoolean(),
                "\"metadata\":{\"delay_ms\":0}",
                "\"messages\":[" + messages(strange) + "]"));
        for (int i = random.nextInt(4); i > 0; i--) {
            String value = one(strange && random.nextBoolean() ? STRANGE : LIKELY);
            fields.add(random.nextInt(fields.size() + 1), '"' + one(FIELDS) + "\":" + value);
        }
        return '{' + String.join(",", fields) + '}';
    }

    private String response(boolean strange) {
        String input = one(
                "\"one two\"",
                '[' + MESSAGES[0] + ']',
                "[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"one two\"}]}]");
        List<String> fields = new ArrayList<>(
                List.of("\"model\":\"echo\"", "\"metadata\":{\"delay_ms\":\"0\"}", "\"input\":" + input));
        if (strange && random.nextInt(3) == 0) {
            fields.set(2, "\"input\":[" + one(STRANGE_MESSAGES) + ',' + one(STRANGE) + ']');
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            String value = one(strange && random.nextBoolean() ? STRANGE : LIKELY);
            fields.add(random.nextInt(fields.size() + 1), '"' + one(RESPONSE_FIELDS) + "\":" + value);
        }
        return '{' + String.join(",", fields) + '}';
    }

    private String messages(boolean strange) {
        List<String> messages = new ArrayList<>(List.of(MESSAGES[0]));
        for (int i = random.nextInt(3); i > 0; i--) {
            messages.add(one(strange && random.nextBoolean() ? STRANGE_MESSAGES : MESSAGES));
        }
        return String.join(",", messages);
    }

    /** Cuts a body, or changes, repeats or removes some of its bytes. */
    private byte[] damaged(byte[] body) {
        int from = random.nextInt(body.length);
        int to = Math.min(body.length, from + 1 + random.nextInt(8));
        byte[] changed = body.clone();
        switch (random.nextInt(4)) {
            case 0 -> {
                return Arrays.copyOf(body, from);
            }
            case 1 -> changed[from] = (byte) random.nextInt(256);
            case 2 -> changed[from] = (byte) "{}[]\":,\\0e".charAt(random.nextInt(10));
            default -> {
                changed = new byte[body.length - (to - from)];
                System.arraycopy(body, 0, changed, 0, from);
                System.arraycopy(body, to, changed, from, body.length - to);
            }
        }
        return changed;
    }

    String one(String... values) {
        return values[random.nextInt(values.length)];
    }
}
