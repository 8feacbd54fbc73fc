// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Opens many streams at a server, and reports what they deliver. The exit code is 1 if any stream lacks an event or its end. */
@Command(name = "client", description = "Opens streams at a server of this tool, and measures what they deliver.")
final class StormClient implements Callable<Integer> {

    /** The load on the server. */
    enum Mode {
        /** The clients read all streams to their ends. */
        steady,
        /** The streams have no events. */
        idle,
        /** The tool cuts all connections in mid-stream, at the same moment, and reopens them with Last-Event-ID. */
        reconnect,
        /** One stream has many readers. */
        fanout,
        /** Some of the clients read for 1 ms, four times a second. */
        slow
    }

    private static final int WARM_UP_SECONDS = 3;
    private static final int PATIENCE_SECONDS = 60;

    @Option(
            names = "--url",
            defaultValue = "http://127.0.0.1:8080",
            description = "The server (default: ${DEFAULT-VALUE}).")
    URI url = URI.create("http://127.0.0.1:8080");

    @Option(names = "--streams-url", description = "The streaming server, if it is another one.")
    @Nullable
    URI streamsUrl;

    @Option(
            names = "--mode",
            defaultValue = "steady",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    Mode mode = Mode.steady;

    @Option(names = "--streams", defaultValue = "100", description = "Connections (default: ${DEFAULT-VALUE}).")
    int streams = 100;

    @Option(
            names = "--rate",
            defaultValue = "10",
            description = "Events per second and stream (default: ${DEFAULT-VALUE}).")
    int rate = 10;

    @Option(
            names = "--seconds",
            defaultValue = "10",
            description = "How many seconds are measured (default: ${DEFAULT-VALUE}).")
    int seconds = 10;

    @Option(
            names = "--payload",
            defaultValue = "100",
            description = "Characters per event (default: ${DEFAULT-VALUE}).")
    int payload = 100;

    @Option(
            names = "--ramp",
            defaultValue = "1000",
            description = "Connections opened per second (default: ${DEFAULT-VALUE}).")
    int ramp = 1000;

    @Option(
            names = "--slow-percent",
            defaultValue = "10",
            description = "Slow clients in mode slow (default: ${DEFAULT-VALUE}).")
    int slowPercent = 10;

    @Option(
            names = "--seed",
            defaultValue = "1",
            description = "The seed that chooses the slow clients (default: ${DEFAULT-VALUE}).")
    long seed = 1;

    @Option(names = "--pid", description = "The process of the server, for its CPU and memory.")
    @Nullable
    Long pid;

    @Option(names = "--json", description = "The file to which the report is written as JSON.")
    @Nullable
    File json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Report report = measure();
        spec.commandLine().getOut().print(report.table());
        spec.commandLine().getOut().flush();
        if (json != null) {
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(json, report);
        }
        return report.whole() ? 0 : 1;
    }

    Report measure() throws IOException, InterruptedException {
        ServerProcess server = pid == null ? null : new ServerProcess(pid);
        long heapBefore = server != null && mode == Mode.idle ? server.liveHeapBytes() : 0;
        long residentBefore = server == null ? 0 : server.residentBytes();
        int opening = (streams + ramp - 1) / ramp;
        int lasting = opening + WARM_UP_SECONDS + seconds + (mode == Mode.fanout || mode == Mode.reconnect ? 2 : 0);
        Storm storm = new Storm(mode == Mode.idle ? 0 : rate, lasting, payload);
        try (StormRun run = new StormRun(url, streamsUrl == null ? url : streamsUrl, storm)) {
            open(run);
            List<StormReader> slow = slowOnes(run);
            run.during(WARM_UP_SECONDS, TimeUnit.SECONDS);

            run.latency().reset();
            long deliveredBefore = run.delivered();
            long cpuBefore = server == null ? 0 : server.cpuNanos();
            long began = System.nanoTime();
            Long back = mode == Mode.reconnect ? reconnect(run) : null;
            // Only clients that are not slow are measured. The slow ones read for 1 ms, four times a second.
            for (int i = 0; i < seconds * 4 && mode == Mode.slow; i++) {
                run.during(250, TimeUnit.MILLISECONDS);
                slow.forEach(r -> r.setReading(true));
                run.during(1, TimeUnit.MILLISECONDS);
                slow.forEach(r -> r.setReading(false));
            }
            long rest = TimeUnit.SECONDS.toNanos(seconds) - (System.nanoTime() - began);
            run.during(Math.max(0, rest), TimeUnit.NANOSECONDS);
            double measured = (System.nanoTime() - began) / 1e9;
            long cpu = server == null ? 0 : server.cpuNanos() - cpuBefore;
            long delivered = run.delivered() - deliveredBefore;
            Report.Latency latency = Report.Latency.of(run.latency());

            Long heap = server == null || mode != Mode.idle ? null : (server.liveHeapBytes() - heapBefore) / streams;
            Long resident = server == null ? null : (server.residentBytes() - residentBefore) / streams;
            slow.forEach(r -> r.setReading(true));
            run.until(run::allFinished, lasting + PATIENCE_SECONDS, TimeUnit.SECONDS);
            return new Report(
                    mode.name(),
                    streams,
                    storm.rate(),
                    payload,
                    rounded(measured),
                    delivered,
                    rounded(delivered / measured),
                    missing(run),
                    run.gaps(),
                    run.duplicates(),
                    run.readers().stream()
                            .filter(r -> r.state() != StormReader.State.COMPLETE)
                            .count(),
                    latency,
                    server == null || delivered == 0 ? null : rounded(cpu / 1e3 / delivered),
                    server == null ? null : rounded(cpu / 1e7 / measured),
                    heap,
                    resident,
                    back);
        }
    }

    private void open(StormRun run) throws IOException {
        String target = Storm.PATH + '?' + run.storm().query();
        long began = System.nanoTime();
        if (mode == Mode.fanout) {
            StormReader first = run.add(target);
            run.until(run::allReading, PATIENCE_SECONDS, TimeUnit.SECONDS);
            target = first.target();
        }
        while (run.readers().size() < streams) {
            long due = Math.min(streams, 1 + (System.nanoTime() - began) * ramp / TimeUnit.SECONDS.toNanos(1));
            while (run.readers().size() < due) {
                run.add(target);
            }
            run.during(2, TimeUnit.MILLISECONDS);
        }
        if (!run.until(run::allReading, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not all streams could be opened");
        }
    }

    private List<StormReader> slowOnes(StormRun run) {
        if (mode != Mode.slow) {
            return List.of();
        }
        List<StormReader> shuffled = new ArrayList<>(run.readers());
        Collections.shuffle(shuffled, new Random(seed));
        List<StormReader> slow = shuffled.subList(0, streams * slowPercent / 100);
        slow.forEach(StormReader::setSlow);
        return slow;
    }

    /** Cuts and reopens all connections that are reading. Returns the milliseconds until the last one has its answer. */
    private static long reconnect(StormRun run) throws IOException {
        long began = System.nanoTime();
        List<StormReader> cut = run.readers().stream()
                .filter(r -> r.state() == StormReader.State.READING)
                .toList();
        for (StormReader reader : cut) {
            reader.cut();
            run.reopen(reader);
        }
        run.until(run::allReading, PATIENCE_SECONDS, TimeUnit.SECONDS);
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    }

    private static long missing(StormRun run) {
        return run.readers().stream()
                .mapToLong(r -> run.storm().events() - r.events())
                .sum();
    }

    private static double rounded(double value) {
        return Math.round(value * 100) / 100.0;
    }
}
