// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import static dev.handoff.token.PlainCrypto.keyId;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.handoff.http.Problem;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.TickingClock;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The secrets of {@link TokenSealer}: which are taken, and how one is changed. */
class TokenSecretTest {

    private static final String SECRET = "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs";
    private static final String OTHER_SECRET = "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC";
    private static final String STREAM = "0123456789abcdef0123456789abcdef";

    private final TickingClock clock = new TickingClock();
    private final TokenSealer sealer = TokenSealer.of(clock, SECRET);
    private final Instant expires = clock.instant().plusSeconds(60);
    private final Grant grant =
            new Grant(STREAM, Set.of(Grant.Right.READ, Grant.Right.CANCEL), "standard", "alice@example.org", expires);

    @Test
    @DisplayName("a secret is changed by opening with the old one, too, until its tokens have expired")
    void rotation() {
        String old = sealer.seal(grant);
        TokenSealer rotated = TokenSealer.of(clock, OTHER_SECRET, SECRET);
        TokenSealer done = TokenSealer.of(clock, OTHER_SECRET);

        assertThat(rotated.open(old)).isEqualTo(grant);
        assertThat(done.open(rotated.seal(grant))).isEqualTo(grant);
        assertThat(refusal(done, old).code()).isEqualTo("invalid_token");
        assertThat(refusal(sealer, rotated.seal(grant)).code()).isEqualTo("invalid_token");
    }

    @Test
    @DisplayName("several old secrets may be given, and the current one among them does no harm")
    void severalPrevious() {
        String third = "mN8bV6cX4zAsZk3vQ9xW1rT7yU5iO0pL";
        TokenSealer rotated = TokenSealer.of(clock, OTHER_SECRET, SECRET, third, OTHER_SECRET);
        assertThat(rotated.open(sealer.seal(grant))).isEqualTo(grant);
        assertThat(rotated.open(TokenSealer.of(clock, third).seal(grant))).isEqualTo(grant);
        assertThat(TokenSealer.of(clock, OTHER_SECRET).open(rotated.seal(grant)))
                .isEqualTo(grant);
    }

    static Stream<String> weakSecrets() {
        return Stream.of(
                "",
                "short",
                "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zA",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "abcabcabcabcabcabcabcabcabcabcabc",
                "123456789123456789123456789123456789",
                "changeme-changeme-changeme-0123456789",
                "Change-Me! Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs",
                "change_this_secret_before_you_deploy_it",
                "secret-Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs",
                "super-secret-key-of-the-example-0123456789",
                "your-256-bit-secret-your-256-bit-secret",
                // The one of jwt.io.
                "a-string-secret-at-least-256-bits-long",
                "password-password-password-1234567890",
                "0123456789abcdef0123456789abcdef",
                "abcdefghijklmnopqrstuvwxyz0123456789",
                "handoff-handoff-handoff-handoff-0123456789",
                "django-insecure-Zk3vQ9xW1rT7yU5iO0pLmN8bV6c",
                // omega-ml's default SECRET_KEY, which is published.
                "ec3d75c6f5b3965f24f148969b1c82d57246a8aab46393b55ba18d712fa1a0ad");
    }

    @ParameterizedTest
    @MethodSource("weakSecrets")
    @DisplayName("R12 a missing, short, monotonous or well-known secret is refused, and not shown")
    void weakSecret(String secret) {
        assertRefusedAndNotShown(secret, () -> TokenSealer.of(secret));
        assertRefusedAndNotShown(secret, () -> TokenSealer.of(clock, secret));
        assertRefusedAndNotShown(secret, () -> TokenSealer.of(SECRET, secret));
        assertRefusedAndNotShown(secret, () -> TokenSealer.of(SECRET, OTHER_SECRET, secret));
    }

    private static void assertRefusedAndNotShown(String secret, ThrowingCallable call) {
        Throwable refused = catchThrowable(call);
        assertThat(refused).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("secret");
        if (secret.length() > 5) {
            assertThat(refused.getMessage()).doesNotContain(secret);
        }
    }

    @Test
    @DisplayName("R12 a secret that is not set at all, as an absent environment variable, is refused in words")
    void absentSecret() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TokenSealer.of((String) null))
                .withMessageContaining("secret");
    }

    @Test
    @DisplayName("secrets as openssl makes them are taken, and so is any long text")
    void goodSecrets() {
        List<String> good = List.of(
                "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
                "3f9a1c07b2d84e65f0a9c3b7d1e8264f5a0b9c8d7e6f1a2b3c4d5e6f7a8b9c0d",
                "correct horse battery staple, and a pony too",
                "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs",
                "ein längerer Satz, den sonst niemand kennt");
        assertThat(good).allSatisfy(secret -> {
            TokenSealer own = TokenSealer.of(clock, secret);
            assertThat(own.open(own.seal(grant))).isEqualTo(grant);
        });
        Set<String> keyIds = new HashSet<>();
        good.forEach(secret -> keyIds.add(keyId(secret)));
        assertThat(keyIds).hasSize(good.size());
    }

    private static Problem refusal(TokenSealer sealer, String token) {
        return Refusal.of(() -> sealer.open(token));
    }
}
