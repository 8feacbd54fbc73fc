package dev.handoff.servlet;

/** Separates errors of one call from errors of the whole JVM. */
final class Errors {

    private Errors() {}

    /**
     * Throws an error of the JVM, such as {@link OutOfMemoryError}, and returns for all others. A stack overflow is not one: it
     * is over as soon as the call has returned.
     */
    static void rethrowFatal(Throwable e) {
        if (e instanceof VirtualMachineError fatal && !(e instanceof StackOverflowError)) {
            throw fatal;
        }
    }
}
