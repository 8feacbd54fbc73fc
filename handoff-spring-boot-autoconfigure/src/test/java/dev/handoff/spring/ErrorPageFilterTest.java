// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.support.ErrorPageFilter;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.ImportSelector;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;

class ErrorPageFilterTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    @Test
    @DisplayName("R8 a stream is cut through the filter for error pages that Spring Boot adds to a WAR")
    void cuts() throws Exception {
        RunningApplication application = RunningApplication.start(War.class, "handoff.routes.report=/reports");
        assertThat(application.context.getBeansOfType(ErrorPageFilter.class)).hasSize(1);
        SseReader reader = new SseReader(application
                .open(application.handOff(application.post("/reports", "a").header("Authorization", ANN)))
                .body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("begun");

        application.close();

        assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(ErrorPages.class)
    static class War {

        @Bean
        UserDetailsService users() {
            return name -> User.withUsername(name).password("{noop}pw").build();
        }

        @Bean
        @HandoffHandler("report")
        TaskHandler reports() {
            return (task, output) -> {
                CountDownLatch cancelled = new CountDownLatch(1);
                output.onCancel(cancelled::countDown);
                output.emit("begun");
                cancelled.await();
            };
        }
    }

    /** Imports what {@code SpringBootServletInitializer} adds to a WAR. The class is not public. */
    static final class ErrorPages implements ImportSelector {

        @Override
        public String[] selectImports(AnnotationMetadata importing) {
            return new String[] {ErrorPageFilter.class.getName() + "Configuration"};
        }
    }
}
