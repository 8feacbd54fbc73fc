// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import dev.handoff.Handoff;
import dev.handoff.spring.HandoffAutoConfiguration;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.testkit.TestHandoff;
import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.util.Base64;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Adds the beans that only a test has: a sealer with a random secret, and the {@link TestHandoff}. */
@AutoConfiguration(before = HandoffAutoConfiguration.class)
class HandoffTestAutoConfiguration {

    private static final int SECRET_BYTES = 32;

    @Bean
    @ConditionalOnMissingBean
    TokenSealer handoffTestTokenSealer() {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return TokenSealer.of(Base64.getEncoder().encodeToString(secret));
    }

    @Bean
    TestHandoff testHandoff(Handoff handoff, EventStore store, TaskDispatcher dispatcher) {
        return TestHandoff.around(handoff, store, dispatcher);
    }
}
