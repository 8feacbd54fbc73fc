// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import dev.handoff.RedirectPolicy;
import dev.handoff.format.StreamFormat;
import dev.handoff.spring.HandoffCustomizer;
import dev.handoff.spring.HandoffHandler;
import dev.handoff.task.TaskHandler;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.TypeExcludeFilter;
import org.springframework.context.annotation.Bean;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.core.type.MethodMetadata;
import org.springframework.core.type.classreading.MetadataReader;
import org.springframework.core.type.classreading.MetadataReaderFactory;
import org.springframework.core.type.filter.AssignableTypeFilter;

/** Excludes all classes that the component scan of the application finds, except handlers and classes that change the hand-off. */
final class OnlyHandlers extends TypeExcludeFilter {

    private static final List<Class<?>> TYPES =
            List.of(TaskHandler.class, HandoffCustomizer.class, StreamFormat.class, RedirectPolicy.class);

    @Override
    public boolean match(MetadataReader reader, MetadataReaderFactory factory) throws IOException {
        AnnotationMetadata metadata = reader.getAnnotationMetadata();
        return !metadata.hasAnnotation(HandoffHandler.class.getName())
                && !metadata.hasAnnotatedMethods(HandoffHandler.class.getName())
                && !makesOne(metadata)
                && !isOne(reader, factory);
    }

    private static boolean makesOne(AnnotationMetadata metadata) {
        return metadata.getAnnotatedMethods(Bean.class.getName()).stream()
                .map(MethodMetadata::getReturnTypeName)
                .anyMatch(name -> TYPES.stream().map(Class::getName).anyMatch(name::equals));
    }

    private static boolean isOne(MetadataReader reader, MetadataReaderFactory factory) throws IOException {
        for (Class<?> type : TYPES) {
            if (new AssignableTypeFilter(type).match(reader, factory)) {
                return true;
            }
        }
        return false;
    }

    /** All objects of this class are equal, so that Spring reuses a context for several test classes. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof OnlyHandlers;
    }

    @Override
    public int hashCode() {
        return OnlyHandlers.class.hashCode();
    }
}
