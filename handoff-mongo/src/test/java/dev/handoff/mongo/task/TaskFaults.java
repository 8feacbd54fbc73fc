// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Databases for tests that fail or wait as a test tells them. */
final class TaskFaults {

    /** What happens with an operation. */
    @FunctionalInterface
    interface Hook {
        void call(String method) throws Exception;
    }

    private TaskFaults() {}

    /** Returns a hook that fails the next operation of a name. */
    static Hook once(String name) {
        AtomicBoolean done = new AtomicBoolean();
        return method -> {
            if (method.equals(name) && done.compareAndSet(false, true)) {
                throw unknown();
            }
        };
    }

    /** Returns a hook that fails all operations of these names; all at all if none is given. */
    static Hook always(String... names) {
        return method -> {
            if (names.length == 0 || List.of(names).contains(method)) {
                throw unknown();
            }
        };
    }

    private static DatabaseException unknown() {
        return DatabaseException.unknown("a test of a database that does not answer", null);
    }

    /** Returns a database that calls a hook before each operation of another one, and one after it, as if an answer got lost. */
    static Database around(Database real, Hook before, Hook after) {
        return (Database) Proxy.newProxyInstance(
                TaskFaults.class.getClassLoader(), new Class<?>[] {Database.class}, (proxy, method, arguments) -> {
                    before.call(method.getName());
                    Object result;
                    try {
                        result = method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    after.call(method.getName());
                    return result;
                });
    }
}
