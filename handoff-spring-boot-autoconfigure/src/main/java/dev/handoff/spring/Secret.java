// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.env.Environment;
import org.springframework.core.env.Profiles;

/** Creates the sealer with the secret of the properties. Refuses a weak or missing secret, except in development and in tests. */
final class Secret {

    private static final Logger logger = LoggerFactory.getLogger(Secret.class);
    private static final int RANDOM_BYTES = 32;
    private static final String COMMAND = "    openssl rand -base64 32\n\n";
    private static final String ACTION =
            "Set the property handoff.secret, or the environment variable HANDOFF_SECRET, to"
                    + " a random text that all processes of the application share. This command makes one:\n\n"
                    + COMMAND
                    + "With the profile \"dev\" or \"test\" a process makes a secret of its own.";
    private static final String PREVIOUS_ACTION =
            "Set handoff.previous-secrets to earlier values of handoff.secret, which this command makes, or remove the"
                    + " entry:\n\n" + COMMAND
                    + "With the profile \"dev\" or \"test\" a process leaves out the entry.";

    private Secret() {}

    /**
     * Returns the sealer. With the profile {@code dev} or {@code test}, a process that has all roles starts although a secret is weak or
     * missing: it uses a random secret instead of that of the properties, and leaves out previous secrets that are weak.
     *
     * @throws RefusedConfigurationException if a secret is weak or missing, with other profiles or in a process without all roles
     */
    static TokenSealer sealer(HandoffProperties properties, Environment environment) {
        boolean lenient = properties.roles().containsAll(Set.of(HandoffProperties.Role.values()))
                && environment.acceptsProfiles(Profiles.of("dev", "test"));
        String[] previous = previous(properties.previousSecrets(), lenient);
        try {
            return TokenSealer.of(blankToNull(properties.secret()), previous);
        } catch (IllegalArgumentException e) {
            if (!lenient) {
                throw refused("handoff.secret", e, ACTION);
            }
            logger.warn(
                    "handoff uses a random secret, because the profile is dev or test and handoff.secret cannot be used:"
                            + " {}. Tokens are valid until this process stops",
                    e.getMessage());
            return TokenSealer.of(random(), previous);
        }
    }

    /** Returns the previous secrets that can be used. */
    private static String[] previous(List<String> secrets, boolean lenient) {
        List<String> strong = new ArrayList<>();
        for (int i = 0; i < secrets.size(); i++) {
            String name = "handoff.previous-secrets[" + i + "]";
            try {
                TokenSealer.of(secrets.get(i));
                strong.add(secrets.get(i));
            } catch (IllegalArgumentException e) {
                if (!lenient) {
                    throw refused(name, e, PREVIOUS_ACTION);
                }
                logger.warn(
                        "handoff leaves out {}, because the profile is dev or test and this secret cannot be used: {}",
                        name,
                        e.getMessage());
            }
        }
        return strong.toArray(String[]::new);
    }

    private static RefusedConfigurationException refused(String name, IllegalArgumentException cause, String action) {
        return new RefusedConfigurationException(
                "The property " + name + " cannot be used: " + cause.getMessage() + '.', action, cause);
    }

    private static @Nullable String blankToNull(@Nullable String secret) {
        return secret == null || secret.isBlank() ? null : secret;
    }

    private static String random() {
        byte[] bytes = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
