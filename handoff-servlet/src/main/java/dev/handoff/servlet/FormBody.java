// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import jakarta.servlet.http.HttpServletRequest;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** Rebuilds the body of a form that the container has already read. A container reads it when a filter asks for a parameter. */
final class FormBody {

    private FormBody() {}

    static boolean isForm(HttpServletRequest request) {
        // getContentType() would throw on Jetty if it does not know the charset.
        String type = request.getHeader("Content-Type");
        return type != null && type.toLowerCase(Locale.ROOT).startsWith("application/x-www-form-urlencoded");
    }

    /**
     * Returns a form body that encodes the parameters that the container has read. The values of one field are in the order of the request.
     * The fields are in the order of the container's map.
     *
     * @param charset the charset with which the container decoded the form. Encoding with the same charset restores the bytes that the
     *     client sent
     * @return empty if all parameters are from the query
     */
    static Optional<String> rebuild(HttpServletRequest request, Charset charset) {
        Map<String, Integer> inQuery = countNames(request.getQueryString());
        StringJoiner body = new StringJoiner("&");
        request.getParameterMap().forEach((name, values) -> {
            // The values from the query come before those from the body (Servlet 6.0, 3.1).
            for (int i = inQuery.getOrDefault(name, 0); i < values.length; i++) {
                body.add(encode(name, charset) + '=' + encode(values[i], charset));
            }
        });
        return body.length() == 0 ? Optional.empty() : Optional.of(body.toString());
    }

    private static String encode(String text, Charset charset) {
        return URLEncoder.encode(text, charset.newEncoder().canEncode(text) ? charset : StandardCharsets.UTF_8);
    }

    private static Map<String, Integer> countNames(@Nullable String query) {
        Map<String, Integer> counts = new HashMap<>();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            if (!pair.isEmpty()) {
                try {
                    counts.merge(URLDecoder.decode(pair.split("=", 2)[0], StandardCharsets.UTF_8), 1, Integer::sum);
                } catch (IllegalArgumentException e) {
                    // Containers skip a parameter whose name is not encoded correctly.
                    continue;
                }
            }
        }
        return counts;
    }
}
