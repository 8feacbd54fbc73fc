// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

/** Thrown when the program cannot start. The message is one line that tells the user why. */
final class StartException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** The exit code for a mistake in options or environment. */
    static final int USAGE = 2;

    private final int exitCode;

    StartException(int exitCode, String line) {
        super(line);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
