// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.util.unit.DataSize;

/** Passes properties to builders. */
final class Settings {

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

    /**
     * Checks that the process has a role.
     *
     * @throws RefusedConfigurationException if it has none
     */
    static void requireRole(HandoffProperties properties) {
        if (properties.roles().isEmpty()) {
            throw new RefusedConfigurationException(
                    "The property handoff.roles is empty, so this process would do nothing.",
                    "Set handoff.roles to one or more of app, worker, stream. Remove it, and the process does all of"
                            + " them. To switch handoff off, set handoff.enabled to false.");
        }
    }
}
