// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What one storm came to. Times are in the units that the names say; what was not measured is null.
 *
 * @param streams the connections
 * @param seconds the time that was measured, after all were open
 * @param delivered the events that came in that time
 * @param missing events that never came, of all that were to be emitted
 * @param gaps positions that were passed over
 * @param duplicates events that came twice
 * @param lost connections that ended before their stream did
 * @param cpuMicrosPerEvent CPU time of the server for each delivered event
 * @param heapBytesPerConnection live objects of the server, less those before, for each connection
 * @param residentBytesPerConnection the same for all memory that its process holds
 * @param backMillis how long it took until all had their answers again that were cut
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Report(
        String mode,
        int streams,
        int rate,
        int payload,
        double seconds,
        long delivered,
        double eventsPerSecond,
        long missing,
        long gaps,
        long duplicates,
        long lost,
        @Nullable Latency latency,
        @Nullable Double cpuMicrosPerEvent,
        @Nullable Double cpuPercent,
        @Nullable Long heapBytesPerConnection,
        @Nullable Long residentBytesPerConnection,
        @Nullable Long backMillis) {

    /** The time from making an event to reading it, in milliseconds. */
    record Latency(double p50, double p99, double p999, double max) {

        static @Nullable Latency of(Histogram histogram) {
            return histogram.getTotalCount() == 0
                    ? null
                    : new Latency(
                            millis(histogram.getValueAtPercentile(50)),
                            millis(histogram.getValueAtPercentile(99)),
                            millis(histogram.getValueAtPercentile(99.9)),
                            millis(histogram.getMaxValue()));
        }

        private static double millis(long nanos) {
            return Math.round(nanos / 1e4) / 100.0;
        }
    }

    /** Returns whether every stream was complete: no event is missing or doubled, and each stream has its end. */
    boolean whole() {
        return missing == 0 && gaps == 0 && duplicates == 0 && lost == 0;
    }

    /** The report as lines of a table. */
    String table() {
        StringBuilder lines = new StringBuilder();
        line(lines, "mode", mode);
        line(lines, "streams x rate, payload", streams + " x " + rate + "/s, " + payload + " characters");
        line(lines, "delivered", delivered + " in " + seconds + " s: " + Math.round(eventsPerSecond) + "/s");
        line(lines, "missing / gaps / twice / lost", missing + " / " + gaps + " / " + duplicates + " / " + lost);
        if (latency != null) {
            line(
                    lines,
                    "latency ms p50 p99 p99.9 max",
                    latency.p50 + "  " + latency.p99 + "  " + latency.p999 + "  " + latency.max);
        }
        if (cpuMicrosPerEvent != null) {
            line(lines, "server CPU per event", cpuMicrosPerEvent + " us");
        }
        if (cpuPercent != null) {
            line(lines, "server CPU", cpuPercent + " % of one core");
        }
        if (heapBytesPerConnection != null) {
            line(lines, "live heap per connection", heapBytesPerConnection + " bytes");
        }
        if (residentBytesPerConnection != null) {
            line(lines, "memory per connection", residentBytesPerConnection + " bytes");
        }
        if (backMillis != null) {
            line(lines, "all back after", backMillis + " ms");
        }
        return lines.toString();
    }

    private static void line(StringBuilder lines, String name, String value) {
        lines.append(String.format("%-32s%s%n", name, value));
    }
}
