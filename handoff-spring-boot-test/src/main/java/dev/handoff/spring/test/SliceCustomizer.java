// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.test.context.ContextCustomizer;
import org.springframework.test.context.MergedContextConfiguration;

/**
 * Adds the filter for the component scan. All objects of this record are equal, so that Spring reuses a context for several test classes.
 */
record SliceCustomizer() implements ContextCustomizer {

    @Override
    public void customizeContext(ConfigurableApplicationContext context, MergedContextConfiguration configuration) {
        context.getBeanFactory().registerSingleton(OnlyHandlers.class.getName(), new OnlyHandlers());
    }
}
