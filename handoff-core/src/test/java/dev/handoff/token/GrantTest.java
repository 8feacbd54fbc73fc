// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.testing.TickingClock;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The claims of a grant, alone and in a token. */
class GrantTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";

    private final TickingClock clock = new TickingClock();
    private final TokenSealer sealer = TokenSealer.of(clock, "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs");
    private final Grant plain = new Grant(
            STREAM,
            Set.of(Grant.Right.READ),
            "standard",
            "alice",
            clock.instant().plusSeconds(60));

    @Test
    @DisplayName("claims come out of the token as they went in, whatever their names and characters")
    void roundTrip() {
        Map<String, String> claims =
                Map.of("tenant", "acme", "sub", "mallory", "exp", "0", "claims", "", "ü", "\uD83D\uDE00\"\\\n\0");
        Grant grant = plain.withClaims(claims);
        assertThat(grant.claims()).isEqualTo(claims);
        assertThat(sealer.open(sealer.seal(grant))).isEqualTo(grant);
    }

    @Test
    @DisplayName("R12 a token does not show its claims")
    void sealed() {
        String token = sealer.seal(plain.withClaims(Map.of("tenant", "acme")));
        assertThat(token).doesNotContain("acme").doesNotContain("tenant");
    }

    @Test
    @DisplayName("a grant without claims makes a token as long as one of earlier versions, which had none")
    void none() {
        assertThat(plain.claims()).isEmpty();
        assertThat(plain.withClaims(Map.of())).isEqualTo(plain);
        assertThat(sealer.seal(plain.withClaims(Map.of("a", "b"))).length())
                .isGreaterThan(sealer.seal(plain).length());
        assertThat(sealer.open(sealer.seal(plain)).claims()).isEmpty();
    }

    @Test
    @DisplayName("a token that an earlier version sealed is opened, without claims")
    void earlierVersion() {
        String sealedBefore = "eyJraWQiOiJnYmlCYUtiOCIsImVuYyI6IkEyNTZHQ00iLCJhbGciOiJkaXIifQ.."
                + "3i9MzCkNwGc6uXVI.rEh19_sIwL0C5pn1EErzsROk2sPkV3vb-_edAOrj-neH_XJHsSXwiVzmiJCr2xKf56olSx3tQaylow-LfE2"
                + "egoDVWU8rlq1NtYTPcJ9a4H1LSOLochph9TxCfkEkwZNVZGJLCCTaJ6PB_NZYb1TNtpGr.7XKRBHr9cWBPBJ1AkHlQog";
        assertThat(sealer.open(sealedBefore)).isEqualTo(plain);
    }

    @Test
    @DisplayName("a grant keeps its own copy of the claims, which nobody can change")
    void copied() {
        Map<String, String> claims = new HashMap<>(Map.of("tenant", "acme"));
        Grant grant = plain.withClaims(claims);
        claims.put("tenant", "other");
        assertThat(grant.claims()).containsExactly(Map.entry("tenant", "acme"));
        assertThatThrownBy(() -> grant.claims().put("tenant", "other"))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    @DisplayName("R15 16 claims are accepted, and 17 are refused with both numbers and the names")
    void count() {
        Grant full = plain.withClaims(claims(16));
        assertThat(sealer.open(sealer.seal(full))).isEqualTo(full);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plain.withClaims(claims(17)))
                .withMessageContainingAll("16", "17", "claim-7")
                .withMessageNotContaining("value-7");
    }

    @Test
    @DisplayName("R15 1024 bytes of claims are accepted, and one more is refused with both numbers, without the values")
    void bytes() {
        Grant full = plain.withClaims(Map.of("ü", "€".repeat(340), "a", "1"));
        assertThat(sealer.open(sealer.seal(full))).isEqualTo(full);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plain.withClaims(Map.of("ü", "€".repeat(340), "a", "12")))
                .withMessageContainingAll("1024", "1025", "ü")
                .withMessageNotContaining("€");
    }

    @Test
    @DisplayName("a claim with an empty name or an unpaired surrogate is refused, and nothing but its name is shown")
    void malformed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plain.withClaims(Map.of("", "x")))
                .withMessageContaining("empty name");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plain.withClaims(Map.of("tenant", "acme\uD83D")))
                .withMessageContaining("tenant")
                .withMessageNotContaining("acme");
    }

    @Test
    @DisplayName("claims that fit a grant but not an address are refused when they are sealed")
    void tooLongForAnAddress() {
        // JSON writes each of these characters with six.
        Grant wordy = plain.withClaims(Map.of("a", "\1".repeat(1000)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sealer.seal(wordy))
                .withMessageContaining("claims");
    }

    private static Map<String, String> claims(int count) {
        return IntStream.range(0, count).boxed().collect(Collectors.toMap(i -> "claim-" + i, i -> "value-" + i));
    }
}
