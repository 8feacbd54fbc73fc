// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.token.TokenSealer;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the settings that come from environment variables, because all users of a machine can see options. An empty variable counts as not
 * set.
 *
 * @param variables all of them
 */
record Environment(Map<String, String> variables) {

    static final String SECRET = "HANDOFF_SECRET";
    static final String MONGODB = "HANDOFF_MONGODB_URI";
    static final String API_KEYS = "HANDOFF_API_KEYS";
    static final String UPSTREAM = "OPENAI_BASE_URL";
    static final String UPSTREAM_KEY = "OPENAI_API_KEY";

    Environment {
        variables = Map.copyOf(variables);
    }

    private @Nullable String get(String name) {
        String value = variables.getOrDefault(name, "").strip();
        return value.isEmpty() ? null : value;
    }

    /**
     * Returns the sealer of tokens; empty if no secret is set.
     *
     * @throws StartException if the secret is weak
     */
    Optional<TokenSealer> sealer() {
        String secret = get(SECRET);
        try {
            return secret == null ? Optional.empty() : Optional.of(TokenSealer.of(secret));
        } catch (IllegalArgumentException e) {
            throw new StartException(StartException.USAGE, SECRET + " is refused: " + e.getMessage());
        }
    }

    /**
     * Returns the sealer of tokens that all processes of a deployment share.
     *
     * @throws StartException if there is no secret, or it is weak
     */
    TokenSealer requiredSealer() {
        return sealer().orElseThrow(() -> new StartException(
                StartException.USAGE,
                SECRET + " is not set, and has to be the same for all processes (try: openssl rand -base64 32)"));
    }

    /**
     * Returns the address of the store.
     *
     * @throws StartException if it is not set
     */
    String requiredMongoUri() {
        String uri = get(MONGODB);
        if (uri == null) {
            throw new StartException(
                    StartException.USAGE, MONGODB + " is not set, such as mongodb://127.0.0.1:27017/handoff");
        }
        return uri;
    }

    ApiKeys apiKeys() {
        return ApiKeys.parse(get(API_KEYS));
    }

    /**
     * Returns the base URL of the upstream server; empty if none is set.
     *
     * @throws StartException if it is not an http or https URL
     */
    Optional<URI> upstream() {
        String url = get(UPSTREAM);
        if (url == null) {
            return Optional.empty();
        }
        try {
            URI uri = URI.create(url);
            if (uri.getHost() != null && uri.getScheme().matches("https?")) {
                return Optional.of(uri);
            }
        } catch (IllegalArgumentException e) {
            // The exception below reports it.
        }
        throw new StartException(StartException.USAGE, UPSTREAM + " is not an http or https URL: " + url);
    }

    @Nullable
    String upstreamKey() {
        return get(UPSTREAM_KEY);
    }

    /** Returns the names without the values, because some values are secret. */
    @Override
    public String toString() {
        return "Environment[" + variables.size() + " variables]";
    }
}
