// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.PrintWriter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a role until the process is stopped, and then closes it. */
final class Foreground {

    private static final Logger logger = LoggerFactory.getLogger(Foreground.class);

    private Foreground() {}

    /**
     * Prints the lines, waits until the process is stopped, and closes the role.
     *
     * @return the exit code
     */
    static int run(Runnable close, PrintWriter out, String... lines) throws InterruptedException {
        return run(close, new CompletableFuture<>(), out, lines);
    }

    /**
     * Does the same, but also stops waiting and closes the role if {@code refused} fails.
     *
     * @param refused completes exceptionally with a {@link StartException} if the role cannot run
     * @throws StartException if the role was refused
     */
    static int run(Runnable close, CompletableFuture<Void> refused, PrintWriter out, String... lines)
            throws InterruptedException {
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        Thread hook = new Thread(
                () -> {
                    logger.info("stopping");
                    close.run();
                    logger.info("stopped");
                    stopped.complete(null);
                },
                "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        for (String line : lines) {
            out.println(line);
        }
        out.flush();
        try {
            CompletableFuture.anyOf(stopped, refused).get();
            return 0;
        } catch (ExecutionException e) {
            if (Runtime.getRuntime().removeShutdownHook(hook)) {
                close.run();
            }
            if (e.getCause() instanceof StartException refusal) {
                throw refusal;
            }
            throw new IllegalStateException(e.getCause());
        }
    }
}
