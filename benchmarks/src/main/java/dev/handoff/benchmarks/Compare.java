// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs all storms of docs/performance.md, each against servers of its own, and writes the tables. */
@Command(
        name = "compare",
        description = "Starts the servers, runs all storms, and prints the tables of docs/performance.md.")
final class Compare implements Callable<Integer> {

    private static final String G1 = "handoff with G1 (one run)";
    private static final int MEASURED_SECONDS = 7;
    private static final int WARM_UP_SECONDS = 5;
    /** The warm-up of servers that are compared. After this time the JIT compiler has compiled nearly all of a web server. */
    private static final int LONG_WARM_UP_SECONDS = 20;

    @Option(
            names = "--runs",
            defaultValue = "3",
            description = "How many times the comparison is run (default: ${DEFAULT-VALUE}).")
    private int runs;

    @Option(names = "--peer", description = "The jar of the peer.")
    @Nullable
    private Path peer;

    @Option(
            names = "--standin",
            description = "The jar that has the stand-in for MongoDB: examples/target/handoff-chat.jar.")
    @Nullable
    private Path standIn;

    @Option(names = "--document", description = "The document whose tables are replaced.")
    @Nullable
    private Path document;

    @Option(names = "--json", description = "The file to which all reports are written as JSON.")
    @Nullable
    private Path json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final Map<String, List<Report>> reports = new LinkedHashMap<>();
    private final Tables tables = new Tables();

    @Override
    public Integer call() throws Exception {
        long began = System.nanoTime();
        if (standIn != null) {
            acrossProcesses(standIn);
        }
        cost();
        growth();
        idle();
        reconnect();
        fanOut();
        long minutes = TimeUnit.NANOSECONDS.toMinutes(System.nanoTime() - began);
        tables.sentence("Made in " + (minutes + 1) + " minutes by one command, on " + machine() + '.');
        out().println(tables);
        if (document != null) {
            Files.writeString(document, tables.replaceIn(Files.readString(document)));
        }
        if (json != null) {
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(json.toFile(), reports);
        }
        return reports.values().stream().flatMap(List::stream).allMatch(Report::whole) ? 0 : 1;
    }

    /** Runs the same storm against the floor, this library and the peer, in turns. */
    private void cost() throws Exception {
        Map<String, List<String>> servers = new LinkedHashMap<>();
        servers.put("floor", StormedServer.own("floor"));
        servers.put("handoff", StormedServer.own("server"));
        if (peer != null) {
            servers.put("Spring SseEmitter", StormedServer.java(peer, "--server.port="));
        }
        for (int run = 0; run < runs; run++) {
            for (Map.Entry<String, List<String>> server : servers.entrySet()) {
                cost(server.getKey(), server.getValue());
            }
        }
        List<String> withG1 = StormedServer.ownWithG1("server");
        servers.put(G1, withG1);
        cost(G1, withG1);
        for (int rate : new int[] {40, 10}) {
            tables.title("1,000 streams x " + rate + "/s");
            tables.row("server", "CPU per event, us", "x floor", "p50 ms", "p99 ms", "p99.9 ms", "events/s");
            tables.row("---", "---", "---", "---", "---", "---", "---");
            double floor = Tables.median(all("floor " + rate), Compare::cpu);
            for (String name : servers.keySet()) {
                List<Report> all = all(name + " " + rate);
                tables.row(
                        name,
                        Tables.spread(all, Compare::cpu),
                        Tables.number(Tables.median(all, Compare::cpu) / floor),
                        Tables.spread(all, r -> latency(r).p50()),
                        Tables.spread(all, r -> latency(r).p99()),
                        Tables.spread(all, r -> latency(r).p999()),
                        Tables.number(Tables.median(all, Report::eventsPerSecond)));
            }
        }
    }

    private void cost(String name, List<String> command) throws Exception {
        try (StormedServer running = StormedServer.start(command)) {
            warmUp(running, LONG_WARM_UP_SECONDS);
            for (int rate : new int[] {40, 10}) {
                storm(running, c -> c.rate = rate, name + " " + rate);
            }
        }
    }

    private void warmUp(StormedServer server, int seconds) throws Exception {
        storm(
                server,
                c -> {
                    c.rate = 40;
                    c.seconds = seconds;
                },
                null);
    }

    private void growth() throws Exception {
        int[] sizes = {100, 1000, 5000, 10_000};
        try (StormedServer running = StormedServer.start(StormedServer.own("server"))) {
            warmUp(running, WARM_UP_SECONDS);
            for (int size : sizes) {
                storm(
                        running,
                        c -> {
                            c.rate = 2;
                            c.streams = size;
                            c.seconds = 5;
                        },
                        "growth " + size);
            }
        }
        tables.title("How the cost grows: streams of 2 events a second");
        tables.row("streams", "CPU per event, us", "CPU, % of one core", "p50 ms", "p99 ms");
        tables.row("---", "---", "---", "---", "---");
        for (int size : sizes) {
            List<Report> all = all("growth " + size);
            tables.row(
                    String.valueOf(size),
                    Tables.spread(all, Compare::cpu),
                    Tables.spread(all, r -> r.cpuPercent() == null ? 0 : r.cpuPercent()),
                    Tables.spread(all, r -> latency(r).p50()),
                    Tables.spread(all, r -> latency(r).p99()));
        }
    }

    private void idle() throws Exception {
        try (StormedServer running = StormedServer.start(StormedServer.own("server", "--heartbeat", "5"))) {
            storm(running, c -> c.streams = 200, null);
            storm(
                    running,
                    c -> {
                        c.mode = StormClient.Mode.idle;
                        c.streams = 10_000;
                        c.seconds = 12;
                    },
                    "idle");
        }
        Report report = all("idle").get(0);
        tables.title("10,000 streams in which nothing happens, heartbeat every 5 s");
        tables.row("live heap per stream, bytes", "memory of the process per stream, bytes", "CPU, % of one core");
        tables.row("---", "---", "---");
        tables.row(
                String.valueOf(report.heapBytesPerConnection()),
                String.valueOf(report.residentBytesPerConnection()),
                String.valueOf(report.cpuPercent()));
    }

    private void reconnect() throws Exception {
        try (StormedServer running = StormedServer.start(StormedServer.own("server"))) {
            warmUp(running, WARM_UP_SECONDS);
            storm(
                    running,
                    c -> {
                        c.mode = StormClient.Mode.reconnect;
                        c.streams = 10_000;
                        c.rate = 1;
                    },
                    "reconnect");
        }
        Report report = all("reconnect").get(0);
        tables.title("10,000 streams of 1/s, cut at the same moment, back with Last-Event-ID");
        tables.row("all back after, ms", "missing", "twice", "lost");
        tables.row("---", "---", "---", "---");
        tables.row(
                String.valueOf(report.backMillis()),
                String.valueOf(report.missing() + report.gaps()),
                String.valueOf(report.duplicates()),
                String.valueOf(report.lost()));
    }

    private void fanOut() throws Exception {
        for (int run = 0; run < Math.min(2, runs); run++) {
            try (StormedServer running = StormedServer.start(StormedServer.own("server"))) {
                warmUp(running, WARM_UP_SECONDS);
                storm(
                        running,
                        c -> {
                            c.mode = StormClient.Mode.fanout;
                            c.streams = 2000;
                            c.rate = 50;
                            c.seconds = 5;
                        },
                        "fanout");
            }
        }
        List<Report> all = all("fanout");
        tables.title("One stream of 50/s, 2,000 readers");
        tables.row("CPU per delivered event, us", "p50 ms", "p99 ms", "events/s");
        tables.row("---", "---", "---", "---");
        tables.row(
                Tables.spread(all, Compare::cpu),
                Tables.spread(all, r -> latency(r).p50()),
                Tables.spread(all, r -> latency(r).p99()),
                Tables.number(Tables.median(all, Report::eventsPerSecond)));
    }

    /** Runs storms against an application server, a worker and a streaming server that share one store. */
    private void acrossProcesses(Path standIn) throws Exception {
        int[] sizes = {50, 500};
        String streamLine;
        String workerLine;
        try (StormedServer store = StormedServer.start(StormedServer.java(standIn, "mongo-standin", "--port", ""))) {
            String uri = "mongodb://127.0.0.1:" + store.port();
            try (StormedServer worker =
                    StormedServer.start(StormedServer.own("server", "--role", "worker", "--store", uri))) {
                try (StormedServer stream =
                        StormedServer.start(StormedServer.own("server", "--role", "stream", "--store", uri))) {
                    try (StormedServer api =
                            StormedServer.start(StormedServer.own("server", "--role", "api", "--store", uri))) {
                        across(api, stream, sizes[0], null);
                        for (int size : sizes) {
                            across(api, stream, size, "across " + size);
                        }
                    }
                    streamLine = stream.stop();
                }
                workerLine = worker.stop();
            }
        }
        tables.title("Streams of 10/s through the store (a stand-in), from a worker to a streaming server");
        tables.row("streams", "p50 ms", "p99 ms", "p99.9 ms", "events/s");
        tables.row("---", "---", "---", "---", "---");
        for (int size : sizes) {
            Report report = all("across " + size).get(0);
            tables.row(
                    String.valueOf(size),
                    Tables.number(latency(report).p50()),
                    Tables.number(latency(report).p99()),
                    Tables.number(latency(report).p999()),
                    Tables.number(report.eventsPerSecond()));
        }
        tables.sentence("Store operations a second, over both sizes: the streaming server " + streamLine
                + "; the worker " + workerLine + '.');
    }

    private void across(StormedServer api, StormedServer stream, int streams, @Nullable String name) throws Exception {
        StormClient client = new StormClient();
        client.url = api.url();
        client.streamsUrl = stream.url();
        client.pid = stream.pid();
        client.streams = streams;
        client.rate = 10;
        client.ramp = 100;
        Report report = client.measure();
        if (name != null) {
            keep(name, report);
        }
    }

    private void storm(StormedServer server, Consumer<StormClient> settings, @Nullable String name) throws Exception {
        StormClient client = new StormClient();
        client.url = server.url();
        client.pid = server.pid();
        client.streams = 1000;
        client.seconds = MEASURED_SECONDS;
        settings.accept(client);
        Report report = client.measure();
        if (name != null) {
            keep(name, report);
        }
    }

    private void keep(String name, Report report) {
        reports.computeIfAbsent(name, n -> new ArrayList<>()).add(report);
        out().println("== " + name + "\n" + report.table());
    }

    private List<Report> all(String name) {
        return reports.getOrDefault(name, List.of());
    }

    private static double cpu(Report report) {
        return report.cpuMicrosPerEvent() == null ? 0 : report.cpuMicrosPerEvent();
    }

    private static Report.Latency latency(Report report) {
        return report.latency() == null ? new Report.Latency(0, 0, 0, 0) : report.latency();
    }

    private static String machine() throws IOException {
        String cpu = Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(l -> l.startsWith("model name"))
                .map(l -> l.substring(l.indexOf(':') + 2))
                .findFirst()
                .orElse(System.getProperty("os.arch"));
        return Runtime.getRuntime().availableProcessors() + " cores of " + cpu + ", Linux "
                + System.getProperty("os.version") + ", Java "
                + Runtime.version().feature();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
