// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.spring.HandoffCustomizer;
import dev.handoff.spring.HandoffHandler;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.io.IOException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.core.type.classreading.MetadataReaderFactory;
import org.springframework.core.type.classreading.SimpleMetadataReaderFactory;

class OnlyHandlersTest {

    private final MetadataReaderFactory factory = new SimpleMetadataReaderFactory();

    private boolean isLeftOut(Class<?> type) throws IOException {
        return new OnlyHandlers().match(factory.getMetadataReader(type.getName()), factory);
    }

    @Test
    @DisplayName("handlers, customizers, and configurations that make them are kept")
    void kept() throws IOException {
        assertThat(isLeftOut(Handler.class)).isFalse();
        assertThat(isLeftOut(MethodOfBean.class)).isFalse();
        assertThat(isLeftOut(MakesHandler.class)).isFalse();
        assertThat(isLeftOut(MakesCustomizer.class)).isFalse();
    }

    @Test
    @DisplayName("other classes and configurations are left out")
    void leftOut() throws IOException {
        assertThat(isLeftOut(OnlyHandlersTest.class)).isTrue();
        assertThat(isLeftOut(MakesText.class)).isTrue();
    }

    @Test
    @DisplayName("two filters are equal, so that two tests can share a context")
    void equal() {
        assertThat(new OnlyHandlers()).isEqualTo(new OnlyHandlers()).hasSameHashCodeAs(new OnlyHandlers());
    }

    static final class Handler implements TaskHandler {

        @Override
        public void handle(Task task, TaskOutput output) {}
    }

    static class MethodOfBean {

        @HandoffHandler("report")
        void report() {}
    }

    static class MakesHandler {

        @Bean
        TaskHandler report() {
            return (task, output) -> {};
        }
    }

    static class MakesCustomizer {

        @Bean
        HandoffCustomizer<Object> customizer() {
            return builder -> {};
        }
    }

    static class MakesText {

        @Bean
        String text() {
            return "text";
        }
    }
}
