// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.crypto.DirectDecrypter;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jwt.EncryptedJWT;
import com.nimbusds.jwt.JWTClaimsSet;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.StreamId;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.text.ParseException;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Seals grants into JWEs with keys that are derived from secrets; see {@link TokenSealer#of(String, String...)}. The {@code kid} of a token
 * names its key. Thread-safe. Never blocks.
 */
final class JweSealer implements TokenSealer {

    /**
     * The most characters of a token. A token of this length fits into the request line that each container accepts. Longer texts are
     * refused without decoding.
     */
    private static final int MAX_TOKEN_CHARS = 6000;
    /** The length of a proof. It is long enough to resist online guessing, and short because each event carries it. */
    private static final int PROOF_BYTES = 12;
    /** The claim of the JWT that holds all claims of the application, so that none of their names can clash with others. */
    private static final String CLAIMS = "claims";

    /**
     * Holds the keys derived from one secret.
     *
     * @param tokens seals tokens
     * @param retries derives the ids of tasks from idempotency keys
     * @param proofs derives the proofs in event ids
     */
    private record Keys(SecretKey tokens, byte[] retries, byte[] proofs) {}

    private final Clock clock;
    private final String currentKeyId;
    private final Keys current;
    /** The keys by key id, the current ones first. */
    private final Map<String, Keys> keys;

    JweSealer(Clock clock, List<String> secrets) {
        this.clock = clock;
        this.keys = new LinkedHashMap<>();
        for (String secret : secrets) {
            Secrets.requireStrong(secret);
            byte[] extracted =
                    hmac("dev.handoff".getBytes(StandardCharsets.UTF_8), secret.getBytes(StandardCharsets.UTF_8));
            byte[] keyId = expand(extracted, "token key id");
            keys.put(
                    Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(keyId)
                            .substring(0, 8),
                    new Keys(
                            new SecretKeySpec(expand(extracted, "token key A256GCM"), "AES"),
                            expand(extracted, "task id key HS256"),
                            expand(extracted, "event id key HS256")));
        }
        Map.Entry<String, Keys> first = keys.entrySet().iterator().next();
        this.currentKeyId = first.getKey();
        this.current = first.getValue();
    }

    @Override
    public String seal(Grant grant) {
        JWTClaimsSet.Builder claims = new JWTClaimsSet.Builder()
                .claim("stream", grant.streamId())
                .claim(
                        "rights",
                        grant.rights().stream()
                                .map(r -> r.name().toLowerCase(Locale.ROOT))
                                .sorted()
                                .toList())
                .claim("format", grant.format())
                .subject(grant.subject())
                .expirationTime(Date.from(grant.expires()));
        if (!grant.claims().isEmpty()) {
            claims.claim(CLAIMS, grant.claims());
        }
        JWEHeader header = new JWEHeader.Builder(JWEAlgorithm.DIR, EncryptionMethod.A256GCM)
                .keyID(currentKeyId)
                .build();
        EncryptedJWT jwt = new EncryptedJWT(header, claims.build());
        try {
            jwt.encrypt(new DirectEncrypter(current.tokens()));
        } catch (JOSEException e) {
            throw new IllegalStateException("A256GCM failed", e);
        }
        String token = jwt.serialize();
        if (token.length() > MAX_TOKEN_CHARS) {
            throw new IllegalArgumentException("the token would have " + token.length() + " characters, "
                    + MAX_TOKEN_CHARS + " are allowed: the subject, the format or the claims are too long");
        }
        return token;
    }

    @Override
    public Grant open(String token) {
        Grant grant = decrypt(token);
        if (!clock.instant().isBefore(grant.expires())) {
            throw ProblemCode.TOKEN_EXPIRED.exception("The token expired at " + grant.expires() + '.');
        }
        return grant;
    }

    private Grant decrypt(String token) {
        try {
            if (token.length() > MAX_TOKEN_CHARS || !isCanonical(token)) {
                throw invalid(null);
            }
            EncryptedJWT jwt = EncryptedJWT.parse(token);
            if (!JWEAlgorithm.DIR.equals(jwt.getHeader().getAlgorithm())
                    || !EncryptionMethod.A256GCM.equals(jwt.getHeader().getEncryptionMethod())) {
                throw invalid(null);
            }
            Keys key = keys.get(jwt.getHeader().getKeyID());
            if (key == null) {
                throw invalid(null);
            }
            jwt.decrypt(new DirectDecrypter(key.tokens()));
            JWTClaimsSet claims = jwt.getJWTClaimsSet();
            Set<Grant.Right> rights = claims.getStringListClaim("rights").stream()
                    .map(r -> Grant.Right.valueOf(r.toUpperCase(Locale.ROOT)))
                    .collect(Collectors.toUnmodifiableSet());
            return new Grant(
                    claims.getStringClaim("stream"),
                    rights,
                    claims.getStringClaim("format"),
                    claims.getSubject(),
                    Instant.ofEpochMilli(claims.getExpirationTime().getTime()),
                    ofApplication(claims));
        } catch (ProblemException e) {
            throw e;
        } catch (ParseException | JOSEException | RuntimeException e) {
            // Nimbus throws NullPointerException if the header has no enc.
            throw invalid(e);
        }
    }

    /** Returns the claims that the application has set. A token without any has no such member. */
    private static Map<String, String> ofApplication(JWTClaimsSet claims) throws ParseException {
        Map<String, Object> sealed = claims.getJSONObjectClaim(CLAIMS);
        Map<String, String> texts = new LinkedHashMap<>();
        if (sealed != null) {
            sealed.forEach((name, value) -> texts.put(name, (String) value));
        }
        return texts;
    }

    /**
     * Returns whether a token has exactly the characters with which it was sealed. Base64 decoders ignore the unused bits of the last
     * character and other characters. A token with any change must be refused.
     */
    private static boolean isCanonical(String token) {
        for (String part : token.split("\\.", -1)) {
            byte[] decoded = Base64.getUrlDecoder().decode(part);
            if (!Base64.getUrlEncoder().withoutPadding().encodeToString(decoded).equals(part)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public List<String> taskIds(@Nullable String subject, String idempotencyKey) {
        byte[] input = PartsDigest.sha256(subject == null ? "-" : "+" + subject, idempotencyKey);
        return keys.values().stream()
                .map(k -> StreamId.from(hmac(k.retries(), input)))
                .toList();
    }

    @Override
    public String proof(String streamId) {
        return proof(current, streamId);
    }

    @Override
    public boolean proves(String streamId, @Nullable String proof) {
        if (proof == null) {
            return false;
        }
        byte[] given = proof.getBytes(StandardCharsets.US_ASCII);
        return keys.values().stream()
                .anyMatch(k -> MessageDigest.isEqual(proof(k, streamId).getBytes(StandardCharsets.US_ASCII), given));
    }

    private static String proof(Keys keys, String streamId) {
        byte[] mac = hmac(keys.proofs(), streamId.getBytes(StandardCharsets.US_ASCII));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(mac, PROOF_BYTES));
    }

    private static ProblemException invalid(@Nullable Exception cause) {
        return ProblemCode.INVALID_TOKEN.exception("The token is damaged, or was not issued by this server.", cause);
    }

    /** Returns one block of 32 bytes of HKDF-Expand (RFC 5869, 2.3). */
    private static byte[] expand(byte[] key, String info) {
        byte[] text = info.getBytes(StandardCharsets.UTF_8);
        byte[] block = new byte[text.length + 1];
        System.arraycopy(text, 0, block, 0, text.length);
        block[text.length] = 1;
        return hmac(key, block);
    }

    private static byte[] hmac(byte[] key, byte[] data) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(data);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }
}
