// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.task.TaskHandler;
import jakarta.servlet.Filter;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;

/** With context-propagation on the class path. */
class ContextTest {

    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.start(
                Application.class,
                "handoff.routes.report=/reports",
                "handoff.worker.max-running=1",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @Test
    @DisplayName("a handler has the MDC and the security context of its request, and nothing of another one")
    void propagated() {
        assertThat(report("42")).containsExactly("message:ann 42", "completed:");
        assertThat(report("43")).containsExactly("message:ann 43", "completed:");
        assertThat(report("")).containsExactly("message:ann null", "completed:");
    }

    private static List<String> report(String requestId) {
        URI stream = application.handOff(application
                .post("/reports?id=" + requestId, "x")
                .header("Authorization", RunningApplication.basic("ann", "pw")));
        return application.read(stream);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {

        @Bean
        TaskHandler report() {
            return (task, output) -> {
                Authentication user = SecurityContextHolder.getContext().getAuthentication();
                output.emit((user == null ? "nobody" : user.getName()) + " " + MDC.get("request"));
            };
        }

        @Bean
        FilterRegistrationBean<Filter> requestIds() {
            return new FilterRegistrationBean<>((request, response, chain) -> {
                String id = request.getParameter("id");
                if (id != null && !id.isEmpty()) {
                    MDC.put("request", id);
                }
                try {
                    chain.doFilter(request, response);
                } finally {
                    MDC.remove("request");
                }
            });
        }
    }
}
