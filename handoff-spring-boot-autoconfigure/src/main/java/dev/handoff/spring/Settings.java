// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.core.env.Environment;
import org.springframework.util.unit.DataSize;

/** Passes properties to builders. */
final class Settings {

    private static final String DEFAULT_PATH = "/events";

    private Settings() {}

    /** Passes a value, if there is one. */
    static <T> void set(@Nullable T value, Consumer<T> setter) {
        if (value != null) {
            setter.accept(value);
        }
    }

    /** Passes a number of bytes, if there is one. */
    static void setBytes(@Nullable DataSize size, LongConsumer setter) {
        if (size != null) {
            setter.accept(size.toBytes());
        }
    }

    /** Lets the application change a builder. */
    static <B> void customize(B builder, ObjectProvider<HandoffCustomizer<B>> customizers) {
        customizers.orderedStream().forEach(customizer -> customizer.customize(builder));
    }

    /**
     * Returns the path of the streams within the application.
     *
     * @throws RefusedConfigurationException if the property is not a path
     */
    static String eventsPath(HandoffProperties properties) {
        String path = properties.eventsPath();
        if (!path.startsWith("/") || path.endsWith("/") || path.indexOf('*') >= 0) {
            throw new RefusedConfigurationException(
                    "The property handoff.events-path is not the path of a directory: " + path + '.',
                    "Set it to a path that begins with a slash and does not end with one, such as /events.");
        }
        return path;
    }

    /** Returns where clients find the streams; null for the default of the library, which is {@code /events} below the context path. */
    static @Nullable String eventsUrl(HandoffProperties properties, Environment environment) {
        String path = eventsPath(properties);
        if (properties.eventsUrl() != null || path.equals(DEFAULT_PATH)) {
            return properties.eventsUrl();
        }
        return environment.getProperty("server.servlet.context-path", "") + path;
    }
}
