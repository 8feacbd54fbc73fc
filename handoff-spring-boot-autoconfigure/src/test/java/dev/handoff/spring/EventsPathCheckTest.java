// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** An application with controllers at the path where handoff delivers streams. */
class EventsPathCheckTest {

    private static final String LOGGER = "dev.handoff.spring.EventsPathCheck";

    @Test
    @DisplayName(
            "one line of the log names the controllers and resources that get no requests, and the property to change")
    void warns() {
        assertThat(linesOf(Calendar.class))
                .singleElement()
                .asString()
                .contains("/events/today (", "Controllers#today")
                .contains("/events/{day}/rooms/** (", "Controllers#rooms")
                .contains("/events/posters/** (")
                .contains("at /events/*")
                .contains("handoff.events-path=/streams")
                .doesNotContain("/eventsandmore", "/{any}");
    }

    @Test
    @DisplayName("the log has no such line if the streams have another path")
    void otherPath() {
        assertThat(linesOf(Calendar.class, "handoff.events-path=/streams")).isEmpty();
    }

    @Test
    @DisplayName("the log has no such line if all controllers of the application are below another path")
    void otherServletPath() {
        assertThat(linesOf(Calendar.class, "spring.mvc.servlet.path=/api")).isEmpty();
        assertThat(linesOf(Calendar.class, "spring.mvc.servlet.path=/api", "handoff.events-path=/api/events"))
                .hasSize(1);
    }

    @Test
    @DisplayName("the log has no such line if no controller is at the path of the streams")
    void nothing() {
        assertThat(linesOf(Nothing.class)).isEmpty();
    }

    private static List<String> linesOf(Class<?> configuration, String... properties) {
        try (Logged logged = new Logged(LOGGER);
                RunningApplication application = RunningApplication.start(configuration, properties)) {
            assertThat(application.context.isRunning()).isTrue();
            return logged.lines();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Nothing {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(Controllers.class)
    static class Calendar implements WebMvcConfigurer {

        @Override
        public void addResourceHandlers(ResourceHandlerRegistry registry) {
            registry.addResourceHandler("/events/posters/**").addResourceLocations("classpath:/posters/");
        }
    }

    @RestController
    static class Controllers {

        @RequestMapping("/events/today")
        String today() {
            return "today";
        }

        @GetMapping("/events/{day}/rooms/**")
        String rooms(@PathVariable String day) {
            return day;
        }

        @GetMapping("/eventsandmore")
        String more() {
            return "more";
        }

        @GetMapping("/{any}")
        String any(@PathVariable String any) {
            return any;
        }
    }
}
