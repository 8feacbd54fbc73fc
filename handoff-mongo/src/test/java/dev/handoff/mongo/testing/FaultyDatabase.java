// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import dev.handoff.mongo.database.Database;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicReference;

/** A database whose operations a test can replace, one at a time. */
public final class FaultyDatabase {

    /** An operation that a test does instead. */
    @FunctionalInterface
    public interface Fault {

        /**
         * Returns what the operation returns.
         *
         * @param real does the real operation
         */
        Object call(Real real) throws Throwable;
    }

    /** The real operation. */
    @FunctionalInterface
    public interface Real {
        Object call() throws Throwable;
    }

    private record Armed(String operation, Fault fault, boolean once) {}

    private final AtomicReference<Armed> armed = new AtomicReference<>();
    private final Database database;

    /** Returns one that does everything as the real database does. */
    public FaultyDatabase(Database real) {
        this.database = (Database) Proxy.newProxyInstance(
                Database.class.getClassLoader(), new Class<?>[] {Database.class}, (proxy, method, arguments) -> {
                    Real operation = () -> {
                        try {
                            return method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    };
                    Armed now = armed.get();
                    if (now == null || !now.operation.equals(method.getName())) {
                        return operation.call();
                    }
                    if (now.once && !armed.compareAndSet(now, null)) {
                        return operation.call();
                    }
                    return now.fault.call(operation);
                });
    }

    /** The database for the code under test. */
    public Database database() {
        return database;
    }

    /** Replaces the next operation of this name. */
    public void once(String operation, Fault fault) {
        armed.set(new Armed(operation, fault, true));
    }

    /** Replaces each operation of this name until {@link #repair}. */
    public void always(String operation, Fault fault) {
        armed.set(new Armed(operation, fault, false));
    }

    /** Does everything as the real database does again. */
    public void repair() {
        armed.set(null);
    }

    /** Returns whether the operation that was to fail has not been called yet. */
    public boolean isArmed() {
        return armed.get() != null;
    }
}
