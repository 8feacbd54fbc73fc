// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import static dev.handoff.token.PlainCrypto.decoded;
import static dev.handoff.token.PlainCrypto.encoded;
import static dev.handoff.token.PlainCrypto.key;
import static dev.handoff.token.PlainCrypto.keyId;
import static dev.handoff.token.PlainCrypto.plainToken;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEEncrypter;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.AESEncrypter;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.PasswordBasedEncrypter;
import com.nimbusds.jwt.EncryptedJWT;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.TickingClock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenSealerTest {

    private static final String SECRET = "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs";
    private static final String OTHER_SECRET = "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC";
    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private final TickingClock clock = new TickingClock();
    private final TokenSealer sealer = TokenSealer.of(clock, SECRET);
    private final Instant expires = clock.instant().plusSeconds(60);
    private final Grant grant =
            new Grant(STREAM, Set.of(Grant.Right.READ, Grant.Right.CANCEL), "standard", "alice@example.org", expires);

    @Test
    @DisplayName("a grant comes out as it went in")
    void roundTrip() {
        assertThat(sealer.open(sealer.seal(grant))).isEqualTo(grant);
        List<Grant> others = List.of(
                new Grant(STREAM, Set.of(), "result", null, expires),
                new Grant(STREAM, Set.of(Grant.Right.READ), "", "", expires),
                new Grant(STREAM, Set.of(Grant.Right.CANCEL), "ü", "\uD83D\uDE00\"\\\n", expires));
        assertThat(others)
                .allSatisfy(g -> assertThat(sealer.open(sealer.seal(g))).isEqualTo(g));
    }

    @Test
    @DisplayName("the default clock is the system's")
    void systemClock() {
        TokenSealer onSystemClock = TokenSealer.of(SECRET);
        Instant now = Instant.ofEpochSecond(Instant.now().getEpochSecond());
        Grant later = new Grant(STREAM, Set.of(), "standard", null, now.plusSeconds(3600));
        Grant earlier = new Grant(STREAM, Set.of(), "standard", null, now.minusSeconds(3600));
        assertThat(onSystemClock.open(onSystemClock.seal(later))).isEqualTo(later);
        assertThat(refusal(onSystemClock, onSystemClock.seal(earlier)).code()).isEqualTo("token_expired");
    }

    @Test
    @DisplayName("a token is a JWE of alg dir and enc A256GCM, with the id of its key, and fits a URL")
    void header() throws Exception {
        String token = sealer.seal(grant);
        assertThat(token).matches("[A-Za-z0-9_-]+\\.\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");
        assertThat(token).hasSizeLessThan(400);
        JsonNode header = new ObjectMapper().readTree(decoded(token, 0));
        assertThat(header.get("alg").textValue()).isEqualTo("dir");
        assertThat(header.get("enc").textValue()).isEqualTo("A256GCM");
        assertThat(header.get("kid").textValue()).isEqualTo(keyId(SECRET));
        assertThat(header).hasSize(3);
    }

    @Test
    @DisplayName("R12 nothing of the grant can be read in the token, and two tokens of it are not alike")
    void sealed() {
        String token = sealer.seal(grant);
        StringBuilder readable = new StringBuilder(token);
        for (int part = 0; part < 5; part++) {
            readable.append(' ').append(new String(decoded(token, part), UTF_8));
        }
        assertThat(readable.toString())
                .doesNotContain(STREAM, "alice", "standard", "read", "cancel", SECRET)
                .doesNotContain(Long.toString(expires.getEpochSecond()));
        String again = sealer.seal(grant);
        assertThat(again.split("\\.")[2]).isNotEqualTo(token.split("\\.")[2]);
        assertThat(again.split("\\.")[3]).isNotEqualTo(token.split("\\.")[3]);
    }

    @Test
    @DisplayName("the key is that of HKDF (RFC 5869), so plain javax.crypto reads the token")
    void opensWithPlainCrypto() throws Exception {
        String[] parts = sealer.seal(grant).split("\\.");
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                Cipher.DECRYPT_MODE,
                key(SECRET),
                new GCMParameterSpec(128, Base64.getUrlDecoder().decode(parts[2])));
        cipher.updateAAD(parts[0].getBytes(US_ASCII));
        cipher.update(Base64.getUrlDecoder().decode(parts[3]));
        JsonNode claims = new ObjectMapper()
                .readTree(cipher.doFinal(Base64.getUrlDecoder().decode(parts[4])));
        assertThat(claims)
                .isEqualTo(new ObjectMapper()
                        .readTree("{\"stream\":\"" + STREAM
                                + "\",\"rights\":[\"cancel\",\"read\"],\"format\":\"standard\","
                                + "\"sub\":\"alice@example.org\",\"exp\":" + expires.getEpochSecond() + "}"));
    }

    @Test
    @DisplayName("a token that plain javax.crypto made is opened, so versions of this library understand each other")
    void opensWhatPlainCryptoSealed() throws Exception {
        String claims = "{\"stream\":\"" + STREAM + "\",\"rights\":[\"read\"],\"format\":\"result\",\"exp\":"
                + expires.getEpochSecond() + "}";
        assertThat(sealer.open(plainToken(SECRET, claims)))
                .isEqualTo(new Grant(STREAM, Set.of(Grant.Right.READ), "result", null, expires));
    }

    @Test
    @DisplayName("R12 a token with any character changed is refused, or still says the same in its unused bits")
    void tampered() {
        String token = sealer.seal(grant);
        int refused = 0;
        for (int i = 0; i < token.length(); i++) {
            for (char c : (ALPHABET + ".").toCharArray()) {
                if (c != token.charAt(i)) {
                    refused += refusedOrSame(token.substring(0, i) + c + token.substring(i + 1), i);
                }
            }
        }
        // A part may end in a character of which two or four bits are unused: at most 15 others mean the same, in 5
        // parts.
        assertThat(refused).isGreaterThanOrEqualTo(token.length() * ALPHABET.length() - 5 * 15);
    }

    /** Returns 1 if it was refused. */
    private int refusedOrSame(String token, int place) {
        try {
            assertThat(sealer.open(token)).as("changed at %d", place).isEqualTo(grant);
            return 0;
        } catch (ProblemException e) {
            assertThat(e.problem().status()).isEqualTo(401);
            assertThat(e.problem().code()).isEqualTo("invalid_token");
            return 1;
        }
    }

    @Test
    @DisplayName("R12 a token that was cut, at either end, is refused")
    void truncated() {
        String token = sealer.seal(grant);
        for (int i = 0; i < token.length(); i++) {
            assertInvalid(token.substring(0, i));
        }
        for (int i = 1; i <= token.length(); i++) {
            assertInvalid(token.substring(i));
        }
    }

    @Test
    @DisplayName("R12 parts of two tokens do not make a third")
    void mixed() {
        String[] one = sealer.seal(grant).split("\\.");
        String[] two = sealer.seal(new Grant(STREAM, Set.of(), "standard", "bob", expires))
                .split("\\.");
        for (int part = 2; part < 5; part++) {
            String[] mixed = one.clone();
            mixed[part] = two[part];
            assertInvalid(String.join(".", mixed));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ".",
                "....",
                "x",
                "a.b.c.d.e",
                "\0",
                "ü.ü.ü.ü.ü",
                "null",
                "e30....",
                "e30.AA.AA.AA.AA",
                "bnVsbA..AA.AA.AA",
                "W10..AA.AA.AA",
                "Bearer x",
                "%2e%2e%2f"
            })
    @DisplayName("R12 a text that is no token is refused")
    void garbage(String token) {
        assertInvalid(token);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "[]",
                "{}",
                "{",
                "{\"alg\":null}",
                "{\"alg\":1,\"enc\":2,\"kid\":3}",
                "{\"alg\":\"dir\"}",
                "{\"alg\":\"dir\",\"enc\":null,\"kid\":\"K\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":null}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":7}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"unknown\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"crit\":[\"x\"],\"x\":1}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"zip\":\"DEF\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"x5c\":[1]}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"jwk\":{}}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"epk\":{\"kty\":\"EC\"}}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"p2c\":\"x\"}",
                "{\"alg\":\"none\",\"enc\":\"A256GCM\",\"kid\":\"K\"}",
                "{\"alg\":\"HS256\",\"enc\":\"A256GCM\",\"kid\":\"K\"}",
                "{\"alg\":\"PBES2-HS512+A256KW\",\"enc\":\"A256GCM\",\"kid\":\"K\",\"p2c\":2000000000,\"p2s\":\"AA\"}",
                "{\"alg\":\"dir\",\"enc\":\"none\",\"kid\":\"K\"}"
            })
    @DisplayName("R12 a header made up by somebody is refused, whatever is in it")
    void headerByOthers(String json) {
        String header = encoded(json.replace("\"K\"", '"' + keyId(SECRET) + '"').getBytes(UTF_8));
        assertInvalid(header + "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
        assertInvalid(header + ".AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
        assertInvalid(header + "..A.A.A");
        assertInvalid(header + "....");
    }

    @Test
    @DisplayName("R12 initialization vectors and tags of any length are refused")
    void oddLengths() {
        String[] parts = sealer.seal(grant).split("\\.");
        for (int length = 0; length < 40; length++) {
            String bytes = encoded(new byte[length]);
            assertInvalid(String.join(".", parts[0], "", bytes, parts[3], parts[4]));
            assertInvalid(String.join(".", parts[0], "", parts[2], bytes, parts[4]));
            assertInvalid(String.join(".", parts[0], "", parts[2], parts[3], bytes));
        }
    }

    @Test
    @DisplayName("R12 huge and deeply nested texts are refused")
    void huge() {
        String token = sealer.seal(grant);
        assertInvalid(token + "A".repeat(10_000_000));
        assertInvalid("A".repeat(10_000_000));
        assertInvalid(".".repeat(10_000_000));
        assertInvalid(".".repeat(2048));
        String nested = "{\"a\":" + "[".repeat(1400);
        assertInvalid(encoded(nested.getBytes(UTF_8)) + "..AA.AA.AA");
        String closed = "{\"a\":" + "[".repeat(700) + "]".repeat(700) + "}";
        assertInvalid(encoded(closed.getBytes(UTF_8)) + "..AA.AA.AA");
    }

    @Test
    @DisplayName("what is sealed can be opened, or is refused when it is sealed")
    void longSubject() {
        Grant wordy = new Grant(STREAM, Set.of(Grant.Right.READ), "standard", "s".repeat(2000), expires);
        String token;
        try {
            token = sealer.seal(wordy);
        } catch (IllegalArgumentException e) {
            return;
        }
        assertThat(sealer.open(token)).isEqualTo(wordy);
    }

    @Test
    @DisplayName("R12 a token expires exactly at its second")
    void expiry() {
        String token = sealer.seal(grant);
        clock.tick(Duration.ofSeconds(60).minusNanos(1));
        assertThat(sealer.open(token)).isEqualTo(grant);
        clock.tick(Duration.ofNanos(1));
        assertThat(refusal(sealer, token))
                .isEqualTo(new Problem(401, "token_expired", "The token expired at 2030-01-01T00:01:00Z."));
        clock.tick(Duration.ofDays(1000));
        assertThat(refusal(sealer, token).code()).isEqualTo("token_expired");
    }

    @Test
    @DisplayName("expiry counts in whole seconds, never longer than was granted")
    void wholeSeconds() {
        Grant fraction = new Grant(STREAM, Set.of(), "standard", null, expires.plusMillis(999));
        assertThat(sealer.open(sealer.seal(fraction)).expires()).isEqualTo(expires);
    }

    @Test
    @DisplayName("R12 a token of a foreign key that claims ours is refused")
    void foreignKey() throws Exception {
        assertInvalid(jwe(JWEAlgorithm.DIR, EncryptionMethod.A256GCM, new DirectEncrypter(key(OTHER_SECRET))));
    }

    @Test
    @DisplayName("the tokens that the next tests make would be opened if they were right")
    void rightTokenOfNimbus() throws Exception {
        assertThat(sealer.open(jwe(JWEAlgorithm.DIR, EncryptionMethod.A256GCM, new DirectEncrypter(key(SECRET)))))
                .isEqualTo(grant);
    }

    @Test
    @DisplayName("R12 tokens that are not encrypted are refused")
    void notEncrypted() throws Exception {
        assertInvalid(new PlainJWT(claims().build()).serialize());
        SignedJWT signed = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(keyId(SECRET)).build(), claims().build());
        signed.sign(new MACSigner(key(SECRET)));
        assertInvalid(signed.serialize());
    }

    @Test
    @DisplayName("R12 tokens of another alg are refused, even if made with the right key")
    void otherAlgorithms() throws Exception {
        assertInvalid(jwe(JWEAlgorithm.A256KW, EncryptionMethod.A256GCM, new AESEncrypter(key(SECRET))));
        assertInvalid(jwe(JWEAlgorithm.A256GCMKW, EncryptionMethod.A256GCM, new AESEncrypter(key(SECRET))));
        assertInvalid(jwe(
                JWEAlgorithm.PBES2_HS256_A128KW,
                EncryptionMethod.A256GCM,
                new PasswordBasedEncrypter(SECRET, 16, 1000)));
    }

    @Test
    @DisplayName("R12 tokens of another enc are refused, even if made with the right key")
    void otherEncryption() throws Exception {
        assertInvalid(jwe(
                JWEAlgorithm.DIR,
                EncryptionMethod.A128GCM,
                new DirectEncrypter(Arrays.copyOf(key(SECRET).getEncoded(), 16))));
        assertInvalid(jwe(JWEAlgorithm.DIR, EncryptionMethod.A128CBC_HS256, new DirectEncrypter(key(SECRET))));
    }

    static Stream<String> oddClaims() {
        String exp = "\"exp\":1893456060";
        String stream = "\"stream\":\"" + STREAM + '"';
        String rights = "\"rights\":[\"read\"]";
        String format = "\"format\":\"standard\"";
        return Stream.of(
                "",
                "null",
                "[]",
                "no JSON",
                "{}",
                "{" + String.join(",", rights, format, exp) + "}",
                "{" + String.join(",", stream, format, exp) + "}",
                "{" + String.join(",", stream, rights, exp) + "}",
                "{" + String.join(",", stream, rights, format) + "}",
                "{" + String.join(",", "\"stream\":\"short\"", rights, format, exp) + "}",
                "{" + String.join(",", "\"stream\":7", rights, format, exp) + "}",
                "{" + String.join(",", "\"stream\":null", rights, format, exp) + "}",
                "{" + String.join(",", stream, "\"rights\":\"read\"", format, exp) + "}",
                "{" + String.join(",", stream, "\"rights\":null", format, exp) + "}",
                "{" + String.join(",", stream, "\"rights\":[null]", format, exp) + "}",
                "{" + String.join(",", stream, "\"rights\":[7]", format, exp) + "}",
                "{" + String.join(",", stream, "\"rights\":[\"root\"]", format, exp) + "}",
                "{" + String.join(",", stream, rights, "\"format\":{}", exp) + "}",
                "{" + String.join(",", stream, rights, "\"format\":null", exp) + "}",
                "{" + String.join(",", stream, rights, format, "\"exp\":\"soon\"") + "}",
                "{" + String.join(",", stream, rights, format, "\"exp\":null") + "}");
    }

    @ParameterizedTest
    @MethodSource("oddClaims")
    @DisplayName("R12 a token of the right key that is no grant is refused")
    void noGrant(String payload) throws Exception {
        assertInvalid(plainToken(SECRET, payload));
    }

    @Test
    @DisplayName("R12 a refusal, down to its causes, shows nothing of the token")
    void tokenIsNotShown() {
        String token = sealer.seal(grant);
        clock.tick(Duration.ofDays(1));
        String cut = token.substring(0, token.length() - 1);
        for (String bad : List.of(token, cut, "x" + token, token.replace('.', '-'), token.substring(3))) {
            StringWriter trace = new StringWriter();
            catchThrowable(() -> sealer.open(bad)).printStackTrace(new PrintWriter(trace));
            for (int i = 0; i + 16 <= token.length(); i++) {
                assertThat(trace.toString()).doesNotContain(token.substring(i, i + 16));
            }
        }
    }

    private void assertInvalid(String token) {
        Problem problem = refusal(sealer, token);
        assertThat(problem)
                .isEqualTo(
                        new Problem(401, "invalid_token", "The token is damaged, or was not issued by this server."));
    }

    private static Problem refusal(TokenSealer sealer, String token) {
        return Refusal.of(() -> sealer.open(token));
    }

    private JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .claim("stream", STREAM)
                .claim("rights", List.of("read", "cancel"))
                .claim("format", "standard")
                .subject("alice@example.org")
                .expirationTime(Date.from(expires));
    }

    private String jwe(JWEAlgorithm algorithm, EncryptionMethod method, JWEEncrypter encrypter) throws JOSEException {
        JWEHeader header =
                new JWEHeader.Builder(algorithm, method).keyID(keyId(SECRET)).build();
        EncryptedJWT jwt = new EncryptedJWT(header, claims().build());
        jwt.encrypt(encrypter);
        return jwt.serialize();
    }
}
