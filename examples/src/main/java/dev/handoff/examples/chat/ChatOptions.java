// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Holds the parameters of a chat completion that the model echo observes. Other models read them from the body.
 *
 * @param choices {@code n}: how many choices the answer has
 * @param stop the texts before which the answer ends; at most four
 * @param maxTokens the most tokens of each choice; {@link Long#MAX_VALUE} if there is no limit
 * @param logprobs whether the answer holds the log probabilities of its tokens
 * @param topLogprobs how many tokens each position lists
 * @param json whether the answer must be a JSON object
 * @param functions the names of the functions that the model may call
 * @param required the function that the model must call; null for none
 * @param mayCall false if the model must not call a tool
 */
record ChatOptions(
        int choices,
        List<String> stop,
        long maxTokens,
        boolean logprobs,
        int topLogprobs,
        boolean json,
        List<String> functions,
        @Nullable String required,
        boolean mayCall) {}
