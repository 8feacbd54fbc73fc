// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Holds the results of one storm. Names state the units of times. A value that was not measured is null.
 *
 * @param streams the connections
 * @param seconds the time of the measurement, which begins after all streams are open
 * @param delivered the events that arrived in that time
 * @param missing the events of the storm that never arrived
 * @param gaps the positions that streams skipped
 * @param duplicates the events that arrived twice
 * @param lost the connections that ended before their stream did
 * @param cpuMicrosPerEvent CPU time of the server for each delivered event
 * @param heapBytesPerConnection the growth of the server's live objects, for each connection
 * @param residentBytesPerConnection the growth of the memory that the server's process holds, for each connection
 * @param backMillis the time until all clients whose connections were cut had an answer again
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

    /** Holds the time from the creation of an event to its arrival, in milliseconds. */
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

    /** Returns the report as lines of a table. */
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
