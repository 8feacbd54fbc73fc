// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.mvc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The packaged application, in a process of its own on a free port. */
final class RunningJar implements AutoCloseable {

    private static final Path JAR = Path.of("target/reports.jar");
    private static final Pattern READY = Pattern.compile("Tomcat started on port (\\d+)");
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final CompletableFuture<URI> root = new CompletableFuture<>();

    private RunningJar(Process process) {
        this.process = process;
        Thread log = new Thread(this::readLog, "log-of-the-application");
        log.setDaemon(true);
        log.start();
    }

    /** Starts the application with some properties, each as {@code name=value}. Waits until it accepts requests. */
    static RunningJar start(String... properties) throws Exception {
        if (!Files.isRegularFile(JAR)) {
            throw new IllegalStateException("there is no " + JAR + "; run mvn package");
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.add("-jar");
        command.add(JAR.toString());
        command.add("--server.port=0");
        command.add("--handoff.secret=nT4xq0Zl7mB2vYc9RkWd5hJf8sPg1uEa");
        for (String property : properties) {
            command.add("--" + property);
        }
        RunningJar started = new RunningJar(
                new ProcessBuilder(command).redirectErrorStream(true).start());
        try {
            started.root.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return started;
        } catch (TimeoutException e) {
            started.close();
            throw new IllegalStateException(started.notStarted(), e);
        } catch (Exception e) {
            started.close();
            throw e;
        }
    }

    private void readLog() {
        try (BufferedReader log =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = log.readLine(); line != null; line = log.readLine()) {
                lines.add(line);
                Matcher ready = READY.matcher(line);
                if (ready.find()) {
                    root.complete(URI.create("http://127.0.0.1:" + ready.group(1)));
                }
            }
        } catch (IOException e) {
            lines.add(e.toString());
        }
        root.completeExceptionally(new IllegalStateException(notStarted()));
    }

    private String notStarted() {
        return "the application did not start:\n" + String.join("\n", lines);
    }

    /** Returns the address of a path. */
    URI uri(String path) {
        return root.join().resolve(path);
    }

    /** Sends SIGTERM, and returns how long the process then takes to exit. */
    Duration stop() throws InterruptedException {
        long start = System.nanoTime();
        process.destroy();
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException("the application runs on after SIGTERM");
        }
        return Duration.ofNanos(System.nanoTime() - start);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
