// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Ids of tasks and proofs of streams, which {@link TokenSealer} derives from the secret. */
class TaskIdTest {

    private static final String SECRET = "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs";
    private static final String OTHER_SECRET = "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC";

    @Test
    @DisplayName("R10 the id follows from secret, subject and key: on every server, in every version")
    void knownTaskIds() {
        // Computed by a few lines of Python: HMAC-SHA-256 under an HKDF key.
        TokenSealer sealer = TokenSealer.of(SECRET);
        assertThat(sealer.taskIds("alice", "k1")).containsExactly("7cf2a37c504b3c0a929733c1b61a2987");
        assertThat(sealer.taskIds(null, "k1")).containsExactly("6f78a446fcfb39e48c188a8060f508e6");
        assertThat(sealer.taskIds("", "k1")).containsExactly("6721a43a54eaaca26b8b7de40de51f83");
        assertThat(sealer.taskIds("ü€\uD83D\uDE00", "cle")).containsExactly("94ac4da43c80423ab173a2ca8444d5a3");
    }

    @Test
    @DisplayName("R10 other subjects, other keys and other secrets have other ids, and no two run together")
    void taskIdsDiffer() {
        TokenSealer sealer = TokenSealer.of(SECRET);
        Set<String> ids = new HashSet<>();
        String[][] pairs = {
            {"alice", "k1"},
            {"alice", "k2"},
            {"bob", "k1"},
            {"alic", "ek1"},
            {"alicek", "1"},
            {"", "k1"},
            {null, "k1"},
            {"-", "k1"},
            {"+", "k1"},
            {"+alice", "k1"},
            {"alice\0", "k1"},
            {"Alice", "k1"},
            {"a?", "k1"},
            {"a\uFFFD", "k1"},
            {"a\uD800", "k1"},
            {"a\uDC00", "k1"}
        };
        for (String[] pair : pairs) {
            ids.addAll(sealer.taskIds(pair[0], pair[1]));
        }
        assertThat(ids)
                .hasSize(pairs.length)
                .doesNotContainAnyElementsOf(TokenSealer.of(OTHER_SECRET).taskIds("alice", "k1"));
    }

    @Test
    @DisplayName("R12 a stream's proof follows from the secret, and proves no other stream")
    void proofs() {
        TokenSealer sealer = TokenSealer.of(SECRET);
        String stream = "0123456789abcdef0123456789abcdef";
        String proof = sealer.proof(stream);
        assertThat(proof).isEqualTo("DsQFdhp5SzdG9RRr");
        assertThat(sealer.proves(stream, proof)).isTrue();
        assertThat(sealer.proves(stream, null)).isFalse();
        assertThat(sealer.proves(stream.replace('0', '1'), proof)).isFalse();
        assertThat(sealer.proves(stream, "AAAAAAAAAAAAAAAA")).isFalse();
        assertThat(TokenSealer.of(OTHER_SECRET).proves(stream, proof)).isFalse();
    }

    @Test
    @DisplayName("R10 R12 after a change of the secret the ids and proofs under the old one are still known")
    void rotatedIds() {
        String stream = "0123456789abcdef0123456789abcdef";
        TokenSealer old = TokenSealer.of(SECRET);
        TokenSealer rotated = TokenSealer.of(OTHER_SECRET, SECRET);
        assertThat(rotated.taskIds("alice", "k1"))
                .hasSize(2)
                .endsWith(old.taskIds("alice", "k1").get(0));
        assertThat(rotated.proves(stream, old.proof(stream))).isTrue();
        assertThat(rotated.proof(stream)).isNotEqualTo(old.proof(stream));
    }
}
