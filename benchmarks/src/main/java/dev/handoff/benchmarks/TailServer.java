// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs a streaming server with a small heap in a process of its own, and measures it. Works on Linux only. */
final class TailServer implements AutoCloseable {

    private static final String READY = "storm server ready on ";
    private static final long START_SECONDS = 120;
    private static final Pattern USED = Pattern.compile("(?:generation|heap) .*used (\\d+)K");

    private final Process process;
    private final Path log;
    private final ServerProcess watched;
    private final String url;
    private long peakHeapBytes;

    private TailServer(Process process, Path log, String url) {
        this.process = process;
        this.log = log;
        this.watched = new ServerProcess(process.pid());
        this.url = url;
    }

    /** Starts a server that ends if it gets an {@code OutOfMemoryError}, and blocks until it listens. */
    static TailServer start(String uri, String secret, String heap) throws IOException, InterruptedException {
        Path log = Files.createTempFile("streaming-server", ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                System.getProperty("java.class.path"),
                StormTool.class.getName()));
        command.addAll(List.of("server", "--role", "stream", "--port", "0", "--store", uri, "--secret", secret));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        long began = System.nanoTime();
        while (System.nanoTime() - began < TimeUnit.SECONDS.toNanos(START_SECONDS) && process.isAlive()) {
            for (String line : Files.readAllLines(log)) {
                if (line.startsWith(READY)) {
                    return new TailServer(process, log, line.substring(READY.length()));
                }
            }
            Thread.sleep(100);
        }
        process.destroyForcibly();
        throw new IllegalStateException("the streaming server did not start; its output is in " + log);
    }

    String url() {
        return url;
    }

    Path log() {
        return log;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Records how much of the heap is used now, including dead objects. */
    void sample() throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        Process asked = new ProcessBuilder(jcmd, Long.toString(process.pid()), "GC.heap_info")
                .redirectErrorStream(true)
                .start();
        String answer = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        asked.waitFor();
        long used = 0;
        Matcher found = USED.matcher(answer);
        while (found.find()) {
            used += Long.parseLong(found.group(1)) << 10;
        }
        peakHeapBytes = Math.max(peakHeapBytes, used);
    }

    /** Returns the most bytes that {@link #sample} has found. */
    long peakHeapBytes() {
        return peakHeapBytes;
    }

    /** Returns the bytes of the live objects. Makes the server run a full collection. */
    long liveHeapBytes() throws IOException, InterruptedException {
        return watched.liveHeapBytes();
    }

    /** Returns the most memory that the process has held, in bytes. */
    long peakResidentBytes() throws IOException {
        return watched.peakResidentBytes();
    }

    /** Returns how many lines of its output report a warning or an error. */
    long complaints() throws IOException {
        return Files.readAllLines(log).stream()
                .filter(l -> l.contains("WARN") || l.contains("ERROR") || l.contains("OutOfMemory"))
                .count();
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
