package dev.handoff.examples.chat;

/** Thrown where the program cannot start, with a line that tells its user why. */
final class StartException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Of a mistake in options or environment. */
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
