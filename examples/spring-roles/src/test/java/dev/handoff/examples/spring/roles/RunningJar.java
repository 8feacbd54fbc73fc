// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.roles;

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
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The packaged application, in a process of its own. A process with a web server has a free port. */
final class RunningJar implements AutoCloseable {

    private static final Path JAR = Path.of("target/reports.jar");
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final CompletableFuture<@Nullable Void> started = new CompletableFuture<>();
    private volatile @Nullable URI root;

    private RunningJar(Process process) {
        this.process = process;
        Thread log = new Thread(this::readLog, "log-of-the-application");
        log.setDaemon(true);
        log.start();
    }

    /** Starts the application with some properties, each as {@code name=value}, and waits until it has started. */
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
        RunningJar jar = new RunningJar(
                new ProcessBuilder(command).redirectErrorStream(true).start());
        try {
            jar.started.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return jar;
        } catch (TimeoutException e) {
            jar.close();
            throw new IllegalStateException(jar.notStarted(), e);
        } catch (Exception e) {
            jar.close();
            throw e;
        }
    }

    private void readLog() {
        try (BufferedReader log =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = log.readLine(); line != null; line = log.readLine()) {
                lines.add(line);
                Matcher port = PORT.matcher(line);
                if (port.find()) {
                    root = URI.create("http://127.0.0.1:" + port.group(1));
                }
                if (line.contains("Started ReportApplication")) {
                    started.complete(null);
                }
            }
        } catch (IOException e) {
            lines.add(e.toString());
        }
        started.completeExceptionally(new IllegalStateException(notStarted()));
    }

    private String notStarted() {
        return "the application did not start:\n" + String.join("\n", lines);
    }

    /** Returns the address of a path. */
    URI uri(String path) {
        return Objects.requireNonNull(root, "the process has no web server").resolve(path);
    }

    /** Ends the process at once, as {@code kill -9} does. */
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
