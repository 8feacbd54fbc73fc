// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import dev.handoff.http.ProblemException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Seals a {@link Grant} into a token and opens it again. {@link #of(String, String...)} makes tokens that hold the grant in encrypted form.
 * An application may provide another implementation, for example with keys of a key management service, or with tokens that refer to an
 * entry of a table and can be revoked.
 *
 * <p>All servers that share streams must open each other's tokens and derive the same ids and proofs. Implementations must be thread-safe.
 *
 * <pre>{@code
 * TokenSealer sealer = TokenSealer.of(System.getenv("HANDOFF_SECRET"));
 *
 * // Seals with a new secret, and still opens the tokens of the previous one.
 * TokenSealer rotated = TokenSealer.of(newSecret, previousSecret);
 * }</pre>
 */
public interface TokenSealer {

    /**
     * Returns a sealer whose tokens are JWEs in compact form ({@code dir}, {@code A256GCM}; RFC 7516). Clients can neither read nor change
     * them, and a token has at most 6000 characters. All servers with the same secret open each other's tokens. The sealer never blocks.
     *
     * <p>HKDF (RFC 5869) derives the keys from the secrets. So a secret may be any text that cannot be guessed, of at least 32 characters.
     * To change the secret, pass the new one first and the old one as a previous secret, until the last token of the old secret has
     * expired.
     *
     * @param secret the secret that seals new tokens. Null, which means that no secret is set, is refused
     * @param previous earlier secrets, whose tokens are still opened
     * @throws IllegalArgumentException if a secret is missing, has fewer than 32 characters or fewer than 10 different ones, or begins with
     *     a well-known text; the message does not show the secret
     */
    static TokenSealer of(@Nullable String secret, String... previous) {
        return of(Clock.systemUTC(), secret, previous);
    }

    /**
     * Returns the same sealer as {@link #of(String, String...)} with another clock.
     *
     * @param clock determines when a token has expired
     * @throws IllegalArgumentException as {@link #of(String, String...)} does
     */
    static TokenSealer of(Clock clock, @Nullable String secret, String... previous) {
        List<String> secrets = new ArrayList<>();
        secrets.add(Secrets.requireStrong(secret));
        secrets.addAll(List.of(previous));
        return new JweSealer(clock, secrets);
    }

    /**
     * Returns the token for a grant. The token needs no escaping in the path of a URL. {@link #open} returns an equal grant for it, except
     * that the expiry may lose fractions of a second.
     *
     * @throws IllegalArgumentException if the token would be too long for a URL
     */
    String seal(Grant grant);

    /**
     * Returns the grant of a token.
     *
     * @throws ProblemException with status 401. The code is {@code invalid_token} if no server with these secrets sealed the token, or
     *     {@code token_expired} if the token has expired. The message does not contain the token
     */
    Grant open(String token);

    /**
     * Returns the ids that the task of a request with an idempotency key may have: first the id under the current secret, then the ids
     * under the previous secrets. The same subject and key always give the same ids. Nobody can compute these ids without the secrets.
     *
     * @param subject the user that sent the request; null if unknown
     */
    List<String> taskIds(@Nullable String subject, String idempotencyKey);

    /**
     * Returns the proof that the event ids of a stream carry: 16 characters of URL-safe Base64. A client that sends the proof has read an
     * event of the stream.
     */
    String proof(String streamId);

    /** Returns whether this is a proof of the stream under the current secret or a previous one. Returns false for null. */
    boolean proves(String streamId, @Nullable String proof);
}
