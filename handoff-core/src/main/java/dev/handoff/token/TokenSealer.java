package dev.handoff.token;

import dev.handoff.http.ProblemException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Seals a {@link Grant} into a token and opens it again. {@link #of(String, String...)} makes tokens that hold the grant in encrypted form. An
 * application may implement this otherwise, for example with keys of a key management service, or with tokens that name an
 * entry of a table and can be revoked.
 *
 * <p>All servers that share streams must open each other's tokens and make the same ids and proofs. Thread-safe.
 */
public interface TokenSealer {

    /**
     * Returns a sealer whose tokens are JWEs in compact form ({@code dir}, {@code A256GCM}), so they can be neither read nor changed, and fit
     * a URL. All servers that share the secret understand each other's tokens. It never blocks.
     *
     * <p>The keys are made from secrets by HKDF (RFC 5869), so a secret may be any text of at least 32 characters. To change it,
     * seal with the new one and go on opening with the old one until its last token has expired.
     *
     * @param secret what tokens are sealed with; null if none is set, which is refused
     * @param previous secrets whose tokens are still opened
     * @throws IllegalArgumentException if a secret is missing, has less than 32 characters or less than 10 different ones,
     *     or is one that everybody knows; the message does not show it
     */
    static TokenSealer of(@Nullable String secret, String... previous) {
        return of(Clock.systemUTC(), secret, previous);
    }

    /** Returns the same as {@link #of(String, String...)}, on a clock that says when a token has expired. */
    static TokenSealer of(Clock clock, @Nullable String secret, String... previous) {
        List<String> secrets = new ArrayList<>();
        secrets.add(Secrets.requireStrong(secret));
        secrets.addAll(List.of(previous));
        return new JweSealer(clock, secrets);
    }

    /**
     * Returns the token for a grant: text that can stand in the path of a URL as it is. {@link #open} returns an equal grant, claims
     * included; its expiry may lose fractions of a second.
     *
     * @throws IllegalArgumentException if the token would be too long for a URL
     */
    String seal(Grant grant);

    /**
     * Returns what a token grants.
     *
     * @throws ProblemException with status 401 and the code {@code invalid_token} if this sealer did not make it, or {@code token_expired};
     *     the token is not shown
     */
    Grant open(String token);

    /**
     * Returns the ids that the task of a request with an idempotency key may have: first the one under the current secret,
     * then those under the previous ones. The same subject and key always give the same ids, and nobody can compute them without the
     * secret.
     *
     * @param subject who asks; null if nobody is known
     */
    List<String> taskIds(@Nullable String subject, String idempotencyKey);

    /**
     * Returns the proof that the ids of the events of a stream carry: 16 characters of URL-safe Base64. It shows that its sender has read the
     * stream.
     */
    String proof(String streamId);

    /** Returns whether this is a proof for the stream, under the current secret or a previous one. Null is not. */
    boolean proves(String streamId, @Nullable String proof);
}
