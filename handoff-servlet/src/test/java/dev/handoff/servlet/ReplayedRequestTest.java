// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ReplayedRequestTest {

    private final List<String> calls = new ArrayList<>();

    /** A request of a container, whose body has been read, so that it knows the parameters of the query only. */
    private static ReplayedRequest request(String type, String charset, String body) {
        HttpServletRequest read = (HttpServletRequest) Proxy.newProxyInstance(
                ReplayedRequestTest.class.getClassLoader(),
                new Class<?>[] {HttpServletRequest.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "getHeader" -> arguments[0].equals("Content-Type") ? type : null;
                    case "getCharacterEncoding" -> charset;
                    case "getParameterMap" -> Map.of("a", new String[] {"query"});
                    default -> throw new UnsupportedOperationException(method.getName());
                });
        return new ReplayedRequest(read, body.getBytes(StandardCharsets.UTF_8));
    }

    private static ReplayedRequest request(String body) {
        return request("text/plain", null, body);
    }

    @Test
    @DisplayName("the body is read as bytes or as text, as with any request, but not as both")
    void oneOfBoth() throws IOException {
        ReplayedRequest bytes = request("ü");
        assertThat(bytes.getInputStream().readAllBytes()).hasSize(2);
        assertThat(bytes.getInputStream()).isSameAs(bytes.getInputStream());
        assertThatIllegalStateException().isThrownBy(bytes::getReader);

        ReplayedRequest text = request("ü");
        assertThat(text.getReader().readLine()).isEqualTo("ü");
        assertThat(text.getReader()).isSameAs(text.getReader());
        assertThatIllegalStateException().isThrownBy(text::getInputStream);
    }

    @Test
    @DisplayName("the text is decoded as the request says")
    void charset() throws IOException {
        assertThat(request("text/plain", "ISO-8859-1", "ü").getReader().readLine())
                .isEqualTo("Ã¼");
    }

    @Test
    @DisplayName("the fields of a form come after those of the query")
    void forms() {
        ReplayedRequest form = request("application/x-www-form-urlencoded; charset=UTF-8", null, "a=1&b=%C3%BC&&c&a=2");
        assertThat(form.getParameterValues("a")).containsExactly("query", "1", "2");
        assertThat(form.getParameter("a")).isEqualTo("query");
        assertThat(form.getParameter("b")).isEqualTo("ü");
        assertThat(form.getParameter("c")).isEmpty();
        assertThat(form.getParameter("d")).isNull();
        assertThat(form.getParameterValues("d")).isNull();
        assertThat(Collections.list(form.getParameterNames())).containsExactlyInAnyOrder("a", "b", "c");
    }

    @Test
    @DisplayName("a field that is not encoded correctly is left out, and the others are kept")
    void malformedFields() {
        ReplayedRequest form = request("application/x-www-form-urlencoded", null, "b=%zz&%=1&c=3");
        assertThat(Collections.list(form.getParameterNames())).containsExactlyInAnyOrder("a", "c");
    }

    @Test
    @DisplayName("a body that is no form has no fields")
    void otherBodies() {
        assertThat(Collections.list(request("b=1").getParameterNames())).containsExactly("a");
    }

    @Test
    @DisplayName("who reads without blocking is told at once that all is there")
    void nonBlocking() throws IOException {
        ServletInputStream in = request("ab").getInputStream();
        assertThat(in.isReady()).isTrue();
        assertThat(in.isFinished()).isFalse();
        assertThat(in.available()).isEqualTo(2);
        in.setReadListener(listener(() -> {
            calls.add("read " + (char) in.read());
            calls.add("read " + (char) in.read());
        }));
        assertThat(calls).containsExactly("read a", "read b", "end");
        assertThat(in.isFinished()).isTrue();
        assertThat(in.read()).isEqualTo(-1);
    }

    @Test
    @DisplayName("a reader that fails is told so")
    void nonBlockingFails() {
        request("ab").getInputStream().setReadListener(listener(() -> {
            throw new IOException("of the reader");
        }));
        assertThat(calls).containsExactly("error of the reader");
    }

    @Test
    @DisplayName("an empty body is at its end at once")
    void empty() {
        request("").getInputStream().setReadListener(listener(() -> calls.add("read")));
        assertThat(calls).containsExactly("end");
    }

    @FunctionalInterface
    private interface Reading {
        void read() throws IOException;
    }

    private ReadListener listener(Reading reading) {
        return new ReadListener() {
            @Override
            public void onDataAvailable() throws IOException {
                reading.read();
            }

            @Override
            public void onAllDataRead() {
                calls.add("end");
            }

            @Override
            public void onError(Throwable e) {
                calls.add("error " + e.getMessage());
            }
        };
    }
}
