package dev.handoff.check;

/** Separates errors of one call from errors of the whole JVM. */
public final class Errors {

    private Errors() {}

    /**
     * Returns whether this is an error of the JVM, such as {@link OutOfMemoryError}. A stack overflow is not one: it is over as
     * soon as the call has returned.
     */
    public static boolean isFatal(Throwable e) {
        return e instanceof VirtualMachineError && !(e instanceof StackOverflowError);
    }

    /** Throws an error of the JVM, and returns for all others. */
    public static void rethrowFatal(Throwable e) {
        if (isFatal(e)) {
            throw (VirtualMachineError) e;
        }
    }
}
