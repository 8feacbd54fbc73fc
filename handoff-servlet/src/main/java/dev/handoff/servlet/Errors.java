package dev.handoff.servlet;

/** Separates errors of one call from errors of the whole JVM. */
final class Errors {

    private Errors() {}

    /**
     * Returns whether this is an error of the JVM, such as {@link OutOfMemoryError}. A stack overflow is not one: it is over as
     * soon as the call has returned.
     */
    static boolean isFatal(Throwable e) {
        return e instanceof VirtualMachineError && !(e instanceof StackOverflowError);
    }

    /** Throws an error of the JVM, and returns for all others. */
    static void rethrowFatal(Throwable e) {
        if (isFatal(e)) {
            throw (VirtualMachineError) e;
        }
    }
}
