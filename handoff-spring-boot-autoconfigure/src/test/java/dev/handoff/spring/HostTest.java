// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import dev.handoff.task.TaskHandler;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.http.MediaType;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** What an application has besides handoff works as it does without. */
class HostTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");
    private static final String[] PROPERTIES = {
        "handoff.routes.report=/reports", "spring.security.user.name=ann", "spring.security.user.password=pw"
    };

    @Test
    @DisplayName("Spring Boot makes its own task executor and scheduler, because handoff has no bean of these types")
    void executors() {
        try (RunningApplication application = RunningApplication.start(Plain.class, PROPERTIES)) {
            assertThat(application.context.getBeanNamesForType(Executor.class))
                    .contains("applicationTaskExecutor")
                    .noneMatch(name -> name.startsWith("handoff"));
            assertThat(application.context.containsBean("taskScheduler")).isTrue();
            assertThat(application.context.getBeanNamesForType(ScheduledExecutorService.class))
                    .noneMatch(name -> name.startsWith("handoff"));
            assertThat(application.context.getBeanNamesForType(ObjectMapper.class))
                    .noneMatch(name -> name.startsWith("handoff"));
        }
    }

    @Test
    @DisplayName(
            "an application with its own task executor, object mapper, event streams and async requests keeps them")
    void ownBeans() {
        try (RunningApplication application = RunningApplication.start(Own.class, PROPERTIES)) {
            assertThat(application.context.getBeanNamesForType(AsyncTaskExecutor.class))
                    .contains("applicationTaskExecutor")
                    .noneMatch(name -> name.startsWith("handoff"));
            assertThat(get(application, "/thread")).startsWith("own-");
            assertThat(get(application, "/ticks")).contains("data:tick 1").contains("data:tick 2");
            assertThat(get(application, "/json")).isIn("{\"two_words\":1}", "{\"twoWords\":1}");
            URI stream =
                    application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
            assertThat(application.read(stream)).first().isEqualTo("message:about cats");
        }
    }

    private static String get(RunningApplication application, String path) {
        return application
                .send(application.request(path).header("Authorization", ANN))
                .body();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @EnableAsync
    @EnableScheduling
    static class Plain {

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit("about " + task.payload());
        }
    }

    @Configuration(proxyBeanMethods = false)
    @Import(Controllers.class)
    static class Own extends Plain {

        @Bean
        ThreadPoolTaskExecutor applicationTaskExecutor() {
            ThreadPoolTaskExecutor executor = new ThreadPoolTaskExecutor();
            executor.setThreadNamePrefix("own-");
            return executor;
        }

        @Bean
        ObjectMapper objectMapper() {
            return new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);
        }
    }

    /** Content of a response. */
    public record Numbers(int twoWords) {}

    @RestController
    static class Controllers {

        private final ThreadPoolTaskExecutor executor;

        Controllers(ThreadPoolTaskExecutor executor) {
            this.executor = executor;
        }

        @GetMapping("/thread")
        Callable<String> thread() {
            return () -> Thread.currentThread().getName();
        }

        @GetMapping(path = "/ticks", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
        SseEmitter ticks() {
            SseEmitter emitter = new SseEmitter();
            executor.execute(() -> {
                try {
                    emitter.send("tick 1");
                    emitter.send("tick 2");
                    emitter.complete();
                } catch (IOException e) {
                    emitter.completeWithError(e);
                }
            });
            return emitter;
        }

        @GetMapping("/json")
        Numbers json() {
            return new Numbers(1);
        }
    }
}
