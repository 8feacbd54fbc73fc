// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TestRequestTest {

    @Test
    @DisplayName("a request has the parts that it was given")
    void parts() {
        TestRequest request = TestRequest.post("/reports/2026?city=Ulm", "räin")
                .withSubject("alice")
                .withHeader("Accept", "text/plain")
                .withHeader("accept", "application/json")
                .withAttribute("tenant", 7)
                .withPathVariable("year", "2026");

        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/reports/2026");
        assertThat(request.query()).isEqualTo("city=Ulm");
        assertThat(request.body()).isEqualTo("räin");
        assertThat(request.bodyBytes()).hasSize(5);
        assertThat(request.subject()).isEqualTo("alice");
        assertThat(request.header("ACCEPT")).isEqualTo("application/json");
        assertThat(request.attribute("tenant")).isEqualTo(7);
        assertThat(request.pathVariable("year")).isEqualTo("2026");
    }

    @Test
    @DisplayName("what a request was not given is missing")
    void missing() {
        TestRequest request = TestRequest.of("GET", "/reports", "");

        assertThat(request.path()).isEqualTo("/reports");
        assertThat(request.query()).isNull();
        assertThat(request.subject()).isNull();
        assertThat(request.header("Accept")).isNull();
        assertThat(request.attribute("tenant")).isNull();
        assertThat(request.contextPath()).isEmpty();
        assertThatIllegalArgumentException().isThrownBy(() -> request.pathVariable("year"));
    }
}
