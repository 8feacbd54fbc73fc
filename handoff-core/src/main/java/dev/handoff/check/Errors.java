// SPDX-License-Identifier: Apache-2.0
package dev.handoff.check;

/** Distinguishes errors of one call from errors of the whole JVM. */
public final class Errors {

    private Errors() {}

    /**
     * Returns whether this is an error of the JVM, such as {@link OutOfMemoryError}. A stack overflow is not one, because it ends when the
     * call returns.
     */
    public static boolean isFatal(Throwable e) {
        return e instanceof VirtualMachineError && !(e instanceof StackOverflowError);
    }

    /** Rethrows an error of the JVM. Returns for all other exceptions. */
    public static void rethrowFatal(Throwable e) {
        if (isFatal(e)) {
            throw (VirtualMachineError) e;
        }
    }
}
