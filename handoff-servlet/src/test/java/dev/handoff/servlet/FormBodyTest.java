// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class FormBodyTest {

    private final Map<String, String[]> parameters = new LinkedHashMap<>();

    private HttpServletRequest request(String type, String query) {
        return (HttpServletRequest) Proxy.newProxyInstance(
                FormBodyTest.class.getClassLoader(),
                new Class<?>[] {HttpServletRequest.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "getHeader" -> type;
                    case "getQueryString" -> query;
                    case "getParameterMap" -> parameters;
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private FormBodyTest with(String name, String... values) {
        parameters.put(name, values);
        return this;
    }

    @Test
    @DisplayName("a form is known by its content type, in any case and with any parameters")
    void isForm() {
        assertThat(FormBody.isForm(request("Application/X-WWW-Form-Urlencoded; charset=UTF-8", null)))
                .isTrue();
        assertThat(FormBody.isForm(request("application/json", null))).isFalse();
        assertThat(FormBody.isForm(request(null, null))).isFalse();
    }

    @Test
    @DisplayName("the values of the query are left out, in their number and by their decoded names")
    void leavesOutTheQuery() {
        with("a", "q", "1", "2").with("ü", "q", "3").with("c", "").with("d", "q");
        assertThat(FormBody.rebuild(request(null, "a=q&%C3%BC=q&&d&%zz=1"), UTF_8))
                .contains("a=1&a=2&%C3%BC=3&c=");
        assertThat(FormBody.rebuild(request(null, null), UTF_8)).contains("a=q&a=1&a=2&%C3%BC=q&%C3%BC=3&c=&d=q");
    }

    @Test
    @DisplayName("a form without fields of its own is empty")
    void empty() {
        with("a", "q");
        assertThat(FormBody.rebuild(request(null, "a=q"), UTF_8)).isEmpty();
    }

    @Test
    @DisplayName("the charset with which the container decoded restores what was sent")
    void restoresBytes() {
        with("a", "\u00C3\u00BC").with("b", "€ & =");
        assertThat(FormBody.rebuild(request(null, null), ISO_8859_1)).contains("a=%C3%BC&b=%E2%82%AC+%26+%3D");
    }
}
