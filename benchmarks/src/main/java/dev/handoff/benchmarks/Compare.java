package dev.handoff.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes all storms of docs/performance.md, each against servers of its own, and writes the tables. */
@Command(
        name = "compare",
        description = "Starts the servers, makes all storms, and prints the tables of docs/performance.md.")
final class Compare implements Callable<Integer> {

    private static final String BEGIN = "<!-- storm: begin -->";
    private static final String END = "<!-- storm: end -->";
    private static final List<String> JVM = List.of("-Xmx512m", "-XX:+UseParallelGC");
    private static final List<String> JVM_G1 = List.of("-Xmx512m", "-XX:+UseG1GC");
    private static final String G1 = "handoff with G1 (one run)";
    private static final int MEASURED_SECONDS = 7;
    private static final int WARM_UP_SECONDS = 5;
    /** For what is compared: after this the JIT is done with a web server, or nearly so. */
    private static final int LONG_WARM_UP_SECONDS = 20;

    @Option(
            names = "--runs",
            defaultValue = "3",
            description = "How often the comparison is made (default: ${DEFAULT-VALUE}).")
    private int runs;

    @Option(names = "--peer", description = "The jar of the peer.")
    @Nullable
    private Path peer;

    @Option(
            names = "--standin",
            description = "The jar that has the stand-in for MongoDB: examples/target/handoff-chat.jar.")
    @Nullable
    private Path standIn;

    @Option(names = "--document", description = "The document whose tables are written anew.")
    @Nullable
    private Path document;

    @Option(names = "--json", description = "Where to write all reports to, as JSON.")
    @Nullable
    private Path json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final Map<String, List<Report>> reports = new LinkedHashMap<>();
    private final StringBuilder tables = new StringBuilder();

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
        tables.append("\nMade in ")
                .append(minutes + 1)
                .append(" minutes by one command, on ")
                .append(machine())
                .append(".\n");
        out().println(tables);
        if (document != null) {
            String text = Files.readString(document);
            Files.writeString(
                    document,
                    text.substring(0, text.indexOf(BEGIN) + BEGIN.length())
                            + "\n"
                            + tables
                            + text.substring(text.indexOf(END)));
        }
        if (json != null) {
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(json.toFile(), reports);
        }
        return reports.values().stream().flatMap(List::stream).allMatch(Report::whole) ? 0 : 1;
    }

    /** The same storm against the floor, this library and the peer, in turns. */
    private void cost() throws Exception {
        Map<String, List<String>> servers = new LinkedHashMap<>();
        servers.put("floor", own("floor"));
        servers.put("handoff", own("server"));
        if (peer != null) {
            servers.put("Spring SseEmitter", java(peer, "--server.port="));
        }
        for (int run = 0; run < runs; run++) {
            for (Map.Entry<String, List<String>> server : servers.entrySet()) {
                cost(server.getKey(), server.getValue());
            }
        }
        List<String> withG1 = own("server");
        withG1.removeAll(JVM);
        withG1.addAll(1, JVM_G1);
        servers.put(G1, withG1);
        cost(G1, withG1);
        for (int rate : new int[] {40, 10}) {
            title("1,000 streams x " + rate + "/s");
            row("server", "CPU per event, us", "x floor", "p50 ms", "p99 ms", "p99.9 ms", "events/s");
            row("---", "---", "---", "---", "---", "---", "---");
            double floor = median(all("floor " + rate), Compare::cpu);
            for (String name : servers.keySet()) {
                List<Report> all = all(name + " " + rate);
                row(
                        name,
                        spread(all, Compare::cpu),
                        number(median(all, Compare::cpu) / floor),
                        spread(all, r -> latency(r).p50()),
                        spread(all, r -> latency(r).p99()),
                        spread(all, r -> latency(r).p999()),
                        number(median(all, Report::eventsPerSecond)));
            }
        }
    }

    private void cost(String name, List<String> command) throws Exception {
        try (Running running = start(command)) {
            warmUp(running, LONG_WARM_UP_SECONDS);
            for (int rate : new int[] {40, 10}) {
                storm(running, c -> c.rate = rate, name + " " + rate);
            }
        }
    }

    private void warmUp(Running server, int seconds) throws Exception {
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
        try (Running running = start(own("server"))) {
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
        title("How the cost grows: streams of 2 events a second");
        row("streams", "CPU per event, us", "CPU, % of one core", "p50 ms", "p99 ms");
        row("---", "---", "---", "---", "---");
        for (int size : sizes) {
            List<Report> all = all("growth " + size);
            row(
                    String.valueOf(size),
                    spread(all, Compare::cpu),
                    spread(all, r -> r.cpuPercent() == null ? 0 : r.cpuPercent()),
                    spread(all, r -> latency(r).p50()),
                    spread(all, r -> latency(r).p99()));
        }
    }

    private void idle() throws Exception {
        try (Running running = start(own("server", "--heartbeat", "5"))) {
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
        title("10,000 streams in which nothing happens, heartbeat every 5 s");
        row("live heap per stream, bytes", "memory of the process per stream, bytes", "CPU, % of one core");
        row("---", "---", "---");
        row(
                String.valueOf(report.heapBytesPerConnection()),
                String.valueOf(report.residentBytesPerConnection()),
                String.valueOf(report.cpuPercent()));
    }

    private void reconnect() throws Exception {
        try (Running running = start(own("server"))) {
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
        title("10,000 streams of 1/s, cut at the same moment, back with Last-Event-ID");
        row("all back after, ms", "missing", "twice", "lost");
        row("---", "---", "---", "---");
        row(
                String.valueOf(report.backMillis()),
                String.valueOf(report.missing() + report.gaps()),
                String.valueOf(report.duplicates()),
                String.valueOf(report.lost()));
    }

    private void fanOut() throws Exception {
        for (int run = 0; run < Math.min(2, runs); run++) {
            try (Running running = start(own("server"))) {
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
        title("One stream of 50/s, 2,000 readers");
        row("CPU per delivered event, us", "p50 ms", "p99 ms", "events/s");
        row("---", "---", "---", "---");
        row(
                spread(all, Compare::cpu),
                spread(all, r -> latency(r).p50()),
                spread(all, r -> latency(r).p99()),
                number(median(all, Report::eventsPerSecond)));
    }

    /** An application server, a worker and a streaming server, on one store. */
    private void acrossProcesses(Path standIn) throws Exception {
        int[] sizes = {50, 500};
        String streamLine;
        String workerLine;
        try (Running store = start(java(standIn, "mongo-standin", "--port", ""))) {
            String uri = "mongodb://127.0.0.1:" + store.port;
            try (Running worker = start(own("server", "--role", "worker", "--store", uri))) {
                try (Running stream = start(own("server", "--role", "stream", "--store", uri))) {
                    try (Running api = start(own("server", "--role", "api", "--store", uri))) {
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
        title("Streams of 10/s through the store (a stand-in), from a worker to a streaming server");
        row("streams", "p50 ms", "p99 ms", "p99.9 ms", "events/s");
        row("---", "---", "---", "---", "---");
        for (int size : sizes) {
            Report report = all("across " + size).get(0);
            row(
                    String.valueOf(size),
                    number(latency(report).p50()),
                    number(latency(report).p99()),
                    number(latency(report).p999()),
                    number(report.eventsPerSecond()));
        }
        tables.append("\nStore operations a second, over both sizes: the streaming server ")
                .append(streamLine)
                .append("; the worker ")
                .append(workerLine)
                .append(".\n");
    }

    private void across(Running api, Running stream, int streams, @Nullable String name) throws Exception {
        StormClient client = new StormClient();
        client.url = api.url();
        client.streamsUrl = stream.url();
        client.pid = stream.process.pid();
        client.streams = streams;
        client.rate = 10;
        client.ramp = 100;
        Report report = client.measure();
        if (name != null) {
            keep(name, report);
        }
    }

    private void storm(Running server, Consumer<StormClient> settings, @Nullable String name) throws Exception {
        StormClient client = new StormClient();
        client.url = server.url();
        client.pid = server.process.pid();
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

    private void title(String text) {
        tables.append("\n### ").append(text).append("\n\n");
    }

    private void row(String... cells) {
        tables.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    private static double cpu(Report report) {
        return report.cpuMicrosPerEvent() == null ? 0 : report.cpuMicrosPerEvent();
    }

    private static Report.Latency latency(Report report) {
        return report.latency() == null ? new Report.Latency(0, 0, 0, 0) : report.latency();
    }

    private static double median(List<Report> reports, ToDoubleFunction<Report> value) {
        double[] sorted = reports.stream().mapToDouble(value).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /** The median, and the least and the most. */
    private static String spread(List<Report> reports, ToDoubleFunction<Report> value) {
        double[] sorted = reports.stream().mapToDouble(value).sorted().toArray();
        return number(sorted[sorted.length / 2])
                + (sorted.length == 1 ? "" : " (" + number(sorted[0]) + "–" + number(sorted[sorted.length - 1]) + ")");
    }

    private static String number(double value) {
        return value >= 100 ? String.valueOf(Math.round(value)) : String.valueOf(Math.round(value * 100) / 100.0);
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

    /** A command of this tool, whose port is yet to be appended. */
    private static List<String> own(String... arguments) {
        List<String> command = java(self(), arguments);
        if (!List.of(arguments).contains("worker")) {
            command.addAll(List.of("--port", ""));
        }
        return command;
    }

    private static List<String> java(Path jar, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JVM);
        command.addAll(List.of("-jar", jar.toString()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    private static Path self() {
        try {
            return Path.of(Compare.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Running start(List<String> command) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        List<String> whole = new ArrayList<>(command);
        String last = whole.get(whole.size() - 1);
        if (last.isEmpty() || last.endsWith("=")) {
            whole.set(whole.size() - 1, last + port);
        }
        Process process = new ProcessBuilder(whole)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.contains("ready")) {
                return new Running(process, lines, port);
            }
        }
        throw new IllegalStateException("a server did not start: " + String.join(" ", whole));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** A server that was started for a storm. */
    private record Running(Process process, BufferedReader lines, int port) implements AutoCloseable {

        URI url() {
            return URI.create("http://127.0.0.1:" + port);
        }

        /** Returns what it says at its end. */
        String stop() {
            // Not by the process itself, which would close its output before that is read.
            process.toHandle().destroy();
            try (lines) {
                return lines.lines().collect(Collectors.joining(" ")).replaceFirst("^.*: ", "");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }
}
