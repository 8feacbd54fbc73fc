// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What has happened in a simulation: a hash of everything, and the last entries as text. */
final class Trace {

    private static final int KEPT = 400;

    private record Entry(
            long time, String who, String format, @Nullable Object[] arguments) {

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%12.6f  %-14s ", time / 1e9, who)
                    + String.format(Locale.ROOT, format, arguments);
        }
    }

    private final Entry[] last = new Entry[KEPT];
    private final boolean printed;
    private long count;
    private long hash = 1;

    /** Returns an empty trace, which prints each entry if that is wanted. */
    Trace(boolean printed) {
        this.printed = printed;
    }

    /** Adds an entry. The arguments are strings, numbers and booleans, since their hash is the same in each run. */
    void add(long time, String who, String format, @Nullable Object... arguments) {
        mix(time);
        mix(who.hashCode());
        mix(format.hashCode());
        for (Object argument : arguments) {
            mix(argument == null ? 0 : argument.hashCode());
        }
        Entry entry = new Entry(time, who, format, arguments);
        last[(int) (count++ % KEPT)] = entry;
        if (printed) {
            System.out.println(entry);
        }
    }

    private void mix(long value) {
        long mixed = (hash ^ value) * 0x9E3779B97F4A7C15L;
        hash = mixed ^ (mixed >>> 29);
    }

    long hash() {
        return hash;
    }

    long count() {
        return count;
    }

    /** Returns the last entries as text. */
    List<String> last() {
        List<String> texts = new ArrayList<>();
        for (long i = Math.max(0, count - KEPT); i < count; i++) {
            texts.add(last[(int) (i % KEPT)].toString());
        }
        return texts;
    }
}
