// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import com.mongodb.client.MongoClient;
import org.springframework.beans.factory.annotation.AnnotatedBeanDefinition;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.ConfigurationCondition;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.core.type.MethodMetadata;
import org.springframework.util.ClassUtils;

/**
 * Matches if the application names a MongoDB. If it names none, Spring Boot still creates a {@code MongoClient}, for {@code localhost}.
 * Such a client alone does not match.
 */
final class OnMongo extends SpringBootCondition implements ConfigurationCondition {

    /** The bean that Spring Boot creates from the properties. Other beans, such as those of Testcontainers, name a real MongoDB. */
    private static final String FROM_PROPERTIES = "mongoConnectionDetails";

    @Override
    public ConfigurationPhase getConfigurationPhase() {
        return ConfigurationPhase.REGISTER_BEAN;
    }

    @Override
    public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
        ConditionMessage.Builder message = ConditionMessage.forCondition("handoff in MongoDB");
        Environment environment = context.getEnvironment();
        String store = environment.getProperty("handoff.store", "auto");
        if (store.equalsIgnoreCase("memory")) {
            return ConditionOutcome.noMatch(message.because("handoff.store is memory"));
        }
        if (store.equalsIgnoreCase("mongo")) {
            return ConditionOutcome.match(message.because("handoff.store is mongo"));
        }
        if (MongoAddress.isNamed(environment)) {
            return ConditionOutcome.match(message.because("a property names the server"));
        }
        ConfigurableListableBeanFactory beans = context.getBeanFactory();
        return beans != null && (hasOwnClient(beans) || hasConnectionDetails(beans))
                ? ConditionOutcome.match(message.because("a bean names the server"))
                : ConditionOutcome.noMatch(message.because("neither a property nor a bean names a server"));
    }

    private static boolean hasOwnClient(ConfigurableListableBeanFactory beans) {
        for (String name : beans.getBeanNamesForType(MongoClient.class, true, false)) {
            if (!beans.containsBeanDefinition(name) || !isOfSpringBoot(beans.getBeanDefinition(name))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOfSpringBoot(BeanDefinition definition) {
        MethodMetadata method =
                definition instanceof AnnotatedBeanDefinition annotated ? annotated.getFactoryMethodMetadata() : null;
        return method != null && method.getDeclaringClassName().startsWith("org.springframework.boot.");
    }

    private static boolean hasConnectionDetails(ConfigurableListableBeanFactory beans) {
        for (String type : new String[] {
            "org.springframework.boot.autoconfigure.mongo.MongoConnectionDetails",
            "org.springframework.boot.mongodb.autoconfigure.MongoConnectionDetails"
        }) {
            ClassLoader loader = beans.getBeanClassLoader();
            if (!ClassUtils.isPresent(type, loader)) {
                continue;
            }
            for (String name : beans.getBeanNamesForType(ClassUtils.resolveClassName(type, loader), true, false)) {
                if (!name.equals(FROM_PROPERTIES)) {
                    return true;
                }
            }
        }
        return false;
    }
}
