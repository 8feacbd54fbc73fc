// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import com.mongodb.ConnectionString;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;

/** Reads the properties that name a MongoDB: those of Spring Boot 4 and those of Spring Boot 3. */
final class MongoAddress {

    private static final String DEFAULT_DATABASE = "handoff";
    private static final String[] PREFIXES = {"spring.mongodb.", "spring.data.mongodb."};

    private MongoAddress() {}

    /** Returns whether a property names a server. */
    static boolean isNamed(Environment environment) {
        return uri(environment) != null || property(environment, "host") != null;
    }

    /** Returns the connection string; null if none is set. */
    static @Nullable String uri(Environment environment) {
        return property(environment, "uri");
    }

    /** Returns the database for tasks and streams: that of the properties of handoff, else that of the connection string. */
    static String database(HandoffProperties properties, Environment environment) {
        String own = properties.mongo().database();
        if (own != null) {
            return own;
        }
        String uri = uri(environment);
        String named = uri == null ? property(environment, "database") : new ConnectionString(uri).getDatabase();
        return named == null ? DEFAULT_DATABASE : named;
    }

    private static @Nullable String property(Environment environment, String name) {
        for (String prefix : PREFIXES) {
            String value = environment.getProperty(prefix + name);
            if (value != null && !value.isBlank()) {
                return value;
            }
        }
        return null;
    }
}
