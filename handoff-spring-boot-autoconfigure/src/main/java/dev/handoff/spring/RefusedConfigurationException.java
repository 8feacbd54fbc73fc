// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import org.jspecify.annotations.Nullable;

/** Thrown when the configuration of an application cannot be used. {@link ConfigurationFailureAnalyzer} shows its message. */
final class RefusedConfigurationException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String action;

    /**
     * Creates an exception.
     *
     * @param description what is wrong, as a sentence
     * @param action what to do about it, as a sentence
     */
    RefusedConfigurationException(String description, String action, @Nullable Throwable cause) {
        super(description, cause);
        this.action = action;
    }

    RefusedConfigurationException(String description, String action) {
        this(description, action, null);
    }

    /** Returns what to do. */
    String action() {
        return action;
    }
}
