// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.util.Base64;
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
    private static final String ACTION =
            "Set the property handoff.secret, or the environment variable HANDOFF_SECRET, to"
                    + " a random text that all processes of the application share. This command makes one:\n\n"
                    + "    openssl rand -base64 32\n\n"
                    + "With the profile \"dev\" or \"test\" a process makes a secret of its own.";

    private Secret() {}

    /**
     * Returns the sealer. If the secret of the properties is weak or missing, a process that has all roles uses a random secret with the
     * profile {@code dev} or {@code test}.
     *
     * @throws RefusedConfigurationException if the secret is weak or missing, with other profiles or in a process without all roles
     */
    static TokenSealer sealer(HandoffProperties properties, Environment environment) {
        String[] previous = properties.previousSecrets().toArray(String[]::new);
        try {
            return TokenSealer.of(blankToNull(properties.secret()), previous);
        } catch (IllegalArgumentException e) {
            boolean alone = properties.roles().containsAll(Set.of(HandoffProperties.Role.values()));
            if (!alone || !environment.acceptsProfiles(Profiles.of("dev", "test"))) {
                throw new RefusedConfigurationException(
                        "The property handoff.secret cannot be used: " + e.getMessage() + '.', ACTION, e);
            }
            logger.warn(
                    "handoff uses a random secret, because the profile is dev or test and handoff.secret cannot be used:"
                            + " {}. Tokens are valid until this process stops",
                    e.getMessage());
            return TokenSealer.of(random(), previous);
        }
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
