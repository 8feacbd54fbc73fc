// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.token.TokenSealer;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
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
    static final String NAMED_UPSTREAM = "HANDOFF_UPSTREAM_";

    private static final String KEY_OF_NAMED = "_KEY";

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
     * Returns the upstreams: first each that has a name, in the order of the names, and then the one without a name.
     *
     * @throws StartException if an address is not an http or https URL, or a name has other characters than letters and digits
     */
    List<Upstream> upstreams() {
        List<Upstream> upstreams = new ArrayList<>();
        for (String variable : new TreeSet<>(variables.keySet())) {
            String url = get(variable);
            if (variable.startsWith(NAMED_UPSTREAM) && !variable.endsWith(KEY_OF_NAMED) && url != null) {
                String name = variable.substring(NAMED_UPSTREAM.length());
                if (!name.matches("[A-Z][A-Z0-9]{0,31}")) {
                    throw new StartException(
                            StartException.USAGE,
                            variable + " does not end with a name of up to 32 upper-case letters and digits");
                }
                upstreams.add(
                        new Upstream(name.toLowerCase(Locale.ROOT), url(variable, url), get(variable + KEY_OF_NAMED)));
            }
        }
        String url = get(UPSTREAM);
        if (url != null) {
            upstreams.add(new Upstream(null, url(UPSTREAM, url), get(UPSTREAM_KEY)));
        }
        return upstreams;
    }

    private static URI url(String variable, String url) {
        try {
            URI uri = URI.create(url);
            if (uri.getHost() != null && uri.getScheme().matches("https?")) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // The exception below reports it.
        }
        throw new StartException(StartException.USAGE, variable + " is not an http or https URL: " + url);
    }

    /** Returns the names without the values, because some values are secret. */
    @Override
    public String toString() {
        return "Environment[" + variables.size() + " variables]";
    }
}
