// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.servlet.ServletHandoffRequest;
import java.util.List;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
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
    ProblemAdvice handoffProblemAdvice() {
        return new ProblemAdvice();
    }
}
