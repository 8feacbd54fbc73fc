// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.test.context.ContextConfigurationAttributes;
import org.springframework.test.context.ContextCustomizer;
import org.springframework.test.context.ContextCustomizerFactory;
import org.springframework.test.context.TestContextAnnotationUtils;

/**
 * Customizes the contexts of tests with {@link HandoffTest}. It does not use {@code TypeExcludeFilters},
 * Spring Boot's annotation for this, because Spring Boot 4 moved it to another package.
 */
final class SliceCustomizerFactory implements ContextCustomizerFactory {

    @Override
    public @Nullable ContextCustomizer createContextCustomizer(
            Class<?> testClass, List<ContextConfigurationAttributes> attributes) {
        return TestContextAnnotationUtils.hasAnnotation(testClass, HandoffTest.class) ? new SliceCustomizer() : null;
    }
}
