// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Holds one object for each of the first 100 values of a tag, and one object that all further values share. So the number of meters has a
 * limit. Thread-safe. Looks up a known value without a lock.
 *
 * @param <T> the type of the objects
 */
final class Capped<T> {

    /** How many values have an object of their own. */
    static final int MAX_VALUES = 100;
    /** The value of the tag that stands for all further values. */
    static final String OTHER = "other";

    private final Function<String, T> create;
    private final ConcurrentMap<String, T> byValue = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    /** The object that all further values share; null until there is a value beyond the first 100. */
    private volatile @Nullable T rest;

    /** @param create returns the object of a value; called once for each value */
    Capped(Function<String, T> create) {
        this.create = create;
    }

    /** Returns the object of a value, or the one that further values share. */
    T get(String value) {
        T known = byValue.get(value);
        if (known == null) {
            known = rest;
        }
        return known == null ? add(value) : known;
    }

    private T add(String value) {
        lock.lock();
        try {
            T known = byValue.get(value);
            if (known != null) {
                return known;
            }
            boolean full = byValue.size() >= MAX_VALUES;
            T added = full ? byValue.computeIfAbsent(OTHER, create) : create.apply(value);
            if (full) {
                rest = added;
            } else {
                byValue.put(value, added);
            }
            return added;
        } finally {
            lock.unlock();
        }
    }
}
