// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Holds the address of another server with OpenAI's API.
 *
 * @param name the prefix of the names of its models, before a slash; null if its models have no prefix
 * @param base the base URL of its API, such as {@code https://api.openai.com/v1}
 * @param apiKey the key for the server; null for none
 */
record Upstream(@Nullable String name, URI base, @Nullable String apiKey) {

    Upstream {
        base = URI.create(base.toString().replaceFirst("/+$", ""));
    }

    /** Returns the name without the key, which is secret. */
    @Override
    public String toString() {
        return (name == null ? "" : name + " at ") + base.getHost();
    }
}
