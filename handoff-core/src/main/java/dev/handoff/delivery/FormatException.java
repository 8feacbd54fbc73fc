// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

/** Thrown when a {@link dev.handoff.format.StreamFormat}, which is code of the application, throws or returns nonsense. */
final class FormatException extends RuntimeException {

    private static final long serialVersionUID = 1;

    FormatException(String format, Throwable cause) {
        super("the format \"" + format + "\" failed", cause);
    }
}
