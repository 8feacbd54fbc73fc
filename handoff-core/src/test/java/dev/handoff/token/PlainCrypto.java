// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** The cryptography of tokens, written down with the JDK alone, so that tests do not check the code against itself. */
final class PlainCrypto {

    private PlainCrypto() {}

    /** Returns a token of the key of a secret with any content, made without a JOSE library. */
    static String plainToken(String secret, String payload) throws GeneralSecurityException {
        String header =
                encoded(("{\"enc\":\"A256GCM\",\"alg\":\"dir\",\"kid\":\"" + keyId(secret) + "\"}").getBytes(US_ASCII));
        byte[] iv = "twelve bytes".getBytes(US_ASCII);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, key(secret), new GCMParameterSpec(128, iv));
        cipher.updateAAD(header.getBytes(US_ASCII));
        byte[] sealed = cipher.doFinal(payload.getBytes(UTF_8));
        int length = sealed.length - 16;
        return String.join(
                ".",
                header,
                "",
                encoded(iv),
                encoded(Arrays.copyOf(sealed, length)),
                encoded(Arrays.copyOfRange(sealed, length, sealed.length)));
    }

    static byte[] decoded(String token, int part) {
        return Base64.getUrlDecoder().decode(token.split("\\.", -1)[part]);
    }

    static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static SecretKey key(String secret) {
        return new SecretKeySpec(hkdf(secret, "token key A256GCM", 32), "AES");
    }

    static String keyId(String secret) {
        return encoded(hkdf(secret, "token key id", 32)).substring(0, 8);
    }

    /** RFC 5869, written down as it stands there: PRK = HMAC(salt, IKM); T(n) = HMAC(PRK, T(n-1) | info | n). */
    private static byte[] hkdf(String secret, String info, int length) {
        try {
            byte[] extracted = hmac("dev.handoff".getBytes(UTF_8), secret.getBytes(UTF_8));
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] block = {};
            for (int n = 1; all.size() < length; n++) {
                ByteArrayOutputStream input = new ByteArrayOutputStream();
                input.writeBytes(block);
                input.writeBytes(info.getBytes(UTF_8));
                input.write(n);
                block = hmac(extracted, input.toByteArray());
                all.writeBytes(block);
            }
            return Arrays.copyOf(all.toByteArray(), length);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] hmac(byte[] key, byte[] data) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(data);
    }
}
