// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.token.TokenSealer;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Derives the ids of responses from the ids of their tasks. An id has a proof, because the id of a task is not a secret. So each server with
 * the same secret finds the task of a response, and nobody can guess the id of a response.
 */
record ResponseIds(TokenSealer sealer) {

    private static final Pattern FORM = Pattern.compile("resp_([0-9a-f]{32})([A-Za-z0-9_-]{16})");

    /** Returns the id of the response that a task generates. */
    String of(String taskId) {
        return "resp_" + taskId + sealer.proof(taskId);
    }

    /** Returns the task of a response; empty if no server with this secret has made the id. */
    Optional<String> taskOf(String responseId) {
        Matcher matcher = FORM.matcher(responseId);
        boolean proven = matcher.matches() && sealer.proves(matcher.group(1), matcher.group(2));
        return proven ? Optional.of(matcher.group(1)) : Optional.empty();
    }
}
