// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import dev.handoff.servlet.HandoffFilter;
import dev.handoff.spring.HandoffCustomizer;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.util.Optional;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** A configuration that the component scan finds, with a handler and a route. */
@Configuration(proxyBeanMethods = false)
class Summaries {

    @Bean
    TaskHandler summary() {
        return (task, output) -> output.complete("\"a summary of " + task.payload() + "\"");
    }

    @Bean
    HandoffCustomizer<HandoffFilter.Builder> summaryRoute() {
        return filter -> filter.post(
                "/summaries/{topic}", request -> Optional.of(Task.of("summary", request.pathVariable("topic"))));
    }
}
