// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Holds a server that was started for a storm, in a process of its own.
 *
 * @param process its process
 * @param lines the output of the process
 * @param port the port at which it listens
 */
record StormedServer(Process process, BufferedReader lines, int port) implements AutoCloseable {

    private static final List<String> JVM = List.of("-Xmx512m", "-XX:+UseParallelGC");
    private static final List<String> JVM_G1 = List.of("-Xmx512m", "-XX:+UseG1GC");

    /** Returns a command of this tool. {@link #start} appends the port. */
    static List<String> own(String... arguments) {
        return own(JVM, arguments);
    }

    /** Returns a command of this tool that collects garbage with G1. {@link #start} appends the port. */
    static List<String> ownWithG1(String... arguments) {
        return own(JVM_G1, arguments);
    }

    private static List<String> own(List<String> jvm, String... arguments) {
        List<String> command = java(jvm, self(), arguments);
        if (!List.of(arguments).contains("worker")) {
            command.addAll(List.of("--port", ""));
        }
        return command;
    }

    /** Returns the command that runs a jar. {@link #start} appends the port if the last argument has no value. */
    static List<String> java(Path jar, String... arguments) {
        return java(JVM, jar, arguments);
    }

    private static List<String> java(List<String> jvm, Path jar, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvm);
        command.addAll(List.of("-jar", jar.toString()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    private static Path self() {
        try {
            return Path.of(StormedServer.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Starts a server on a free port, and blocks until it is ready. */
    static StormedServer start(List<String> command) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        List<String> whole = withPort(command, port);
        Process process = new ProcessBuilder(whole)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.contains("ready")) {
                return new StormedServer(process, lines, port);
            }
        }
        throw new IllegalStateException("a server did not start: " + String.join(" ", whole));
    }

    /** Returns a command with the port as the value of its last argument, if that has none. */
    static List<String> withPort(List<String> command, int port) {
        List<String> whole = new ArrayList<>(command);
        String last = whole.get(whole.size() - 1);
        if (last.isEmpty() || last.endsWith("=")) {
            whole.set(whole.size() - 1, last + port);
        }
        return whole;
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    long pid() {
        return process.pid();
    }

    /** Stops the server, and returns what it prints when it ends. */
    String stop() {
        // This does not call Process.destroy, which would close the output of the process before this reads it.
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
