// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.common.KeyValue;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.server.observation.ServerRequestObservationContext;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

class HandoffPathsTest {

    private final HandoffPaths paths = new HandoffPaths("/events", request -> false);

    private static MockHttpServletRequest get(String path) {
        MockHttpServletRequest request = new MockHttpServletRequest("GET", path);
        request.setServletPath(path);
        return request;
    }

    @ParameterizedTest
    @ValueSource(strings = {"/events/a.b-c_d", "/events/a.b/status"})
    @DisplayName("a path with a token is that of a stream")
    void streams(String path) {
        assertThat(paths.isStream(get(path))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/events",
                "/events/",
                "/events//status",
                "/events/admin/users",
                "/events/a/b/status",
                "/event/a",
                "/reports"
            })
    @DisplayName("a path without a token, or with more than a token, is not that of a stream")
    void others(String path) {
        assertThat(paths.isStream(get(path))).isFalse();
    }

    @Test
    @DisplayName("a process that delivers no streams has no paths of streams")
    void noStreams() {
        HandoffPaths none = new HandoffPaths(null, request -> false);
        assertThat(none.isStream(get("/events/a.b"))).isFalse();
    }

    @Test
    @DisplayName("the observation of a request for a stream does not have the token")
    void observation() {
        TokenFreeObservations filter = new TokenFreeObservations(paths);
        assertThat(url(filter, "/events/secret")).isEqualTo("/events/{token}");
        assertThat(url(filter, "/events/secret/status")).isEqualTo("/events/{token}/status");
        assertThat(url(filter, "/reports")).isEqualTo("/reports");
    }

    private static String url(TokenFreeObservations filter, String path) {
        ServerRequestObservationContext context =
                new ServerRequestObservationContext(get(path), new MockHttpServletResponse());
        context.addHighCardinalityKeyValue(KeyValue.of("http.url", path));
        return filter.map(context).getHighCardinalityKeyValue("http.url").getValue();
    }
}
