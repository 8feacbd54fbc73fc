// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.AnnotatedBeanDefinition;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.ConfigurationCondition;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Matches if there are security filter chains and Spring Boot has created all of them. */
final class OnlyChainsOfSpringBoot extends SpringBootCondition implements ConfigurationCondition {

    @Override
    public ConfigurationPhase getConfigurationPhase() {
        return ConfigurationPhase.REGISTER_BEAN;
    }

    @Override
    public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
        ConditionMessage.Builder message = ConditionMessage.forCondition("Security filter chains");
        ConfigurableListableBeanFactory beans = context.getBeanFactory();
        if (beans == null) {
            return ConditionOutcome.noMatch(message.because("there are no beans"));
        }
        boolean found = false;
        for (String name : HandoffSecurityAutoConfiguration.chains(beans)) {
            found = true;
            if (!isOfSpringBoot(name, beans)) {
                return ConditionOutcome.noMatch(
                        message.found("chain of the application").items(name));
            }
        }
        return found
                ? ConditionOutcome.match(message.because("all chains come from Spring Boot"))
                : ConditionOutcome.noMatch(message.didNotFind("any chain").atAll());
    }

    private static boolean isOfSpringBoot(String name, ConfigurableListableBeanFactory beans) {
        String declaredIn = beans.containsBeanDefinition(name) ? declaringClass(beans.getBeanDefinition(name)) : null;
        return declaredIn != null && declaredIn.startsWith("org.springframework.boot.");
    }

    private static @Nullable String declaringClass(BeanDefinition definition) {
        return definition instanceof AnnotatedBeanDefinition annotated && annotated.getFactoryMethodMetadata() != null
                ? annotated.getFactoryMethodMetadata().getDeclaringClassName()
                : definition.getBeanClassName();
    }
}
