// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.servlet.ServletHandoffRequest;
import dev.handoff.spring.HandoffProperties.Role;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Lets controllers of Spring MVC take a {@link dev.handoff.http.HandoffRequest} and throw problems. */
@AutoConfiguration(after = HandoffAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({WebMvcConfigurer.class, ServletHandoffRequest.class})
@ConditionalOnBean(HandoffLifecycle.class)
class HandoffWebMvcAutoConfiguration {

    @Bean
    WebMvcConfigurer handoffWebMvcConfigurer() {
        return new WebMvcConfigurer() {
            @Override
            public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
                resolvers.add(new HandoffRequestResolver());
            }
        };
    }

    @Bean
    EventsPathCheck handoffEventsPathCheck(
            HandoffProperties properties, Environment environment, ObjectProvider<HandlerMapping> mappings) {
        String servletPath = environment.getProperty("spring.mvc.servlet.path", "");
        return new EventsPathCheck(
                properties.has(Role.STREAM) ? Settings.eventsPath(properties) : null,
                servletPath.endsWith("/") ? servletPath.substring(0, servletPath.length() - 1) : servletPath,
                mappings);
    }

    @Bean
    ProblemAdvice handoffProblemAdvice() {
        return new ProblemAdvice();
    }
}
