// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.task.TaskHandler;
import java.net.URI;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class VirtualThreadsTest {

    private static String threadOfHandler(String virtual) {
        try (RunningApplication application = RunningApplication.start(
                Application.class,
                "spring.threads.virtual.enabled=" + virtual,
                "spring.security.user.name=ann",
                "spring.security.user.password=pw")) {
            URI stream = application.handOff(
                    application.post("/threads", "").header("Authorization", RunningApplication.basic("ann", "pw")));
            return application.read(stream).get(0);
        }
    }

    @Test
    @DisplayName("handlers run on virtual threads if the application wants them")
    @EnabledForJreRange(min = JRE.JAVA_21)
    void virtual() {
        assertThat(threadOfHandler("true")).startsWith("message:VirtualThread").contains("handoff-worker-");
    }

    @Test
    @DisplayName("handlers run on platform threads otherwise, and before Java 21")
    void platform() {
        assertThat(threadOfHandler("false")).startsWith("message:Thread").contains("handoff-worker-");
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {

        @Bean
        @HandoffHandler(value = "thread", path = "/threads")
        TaskHandler thread() {
            return (task, output) -> output.emit(Thread.currentThread().toString());
        }
    }
}
