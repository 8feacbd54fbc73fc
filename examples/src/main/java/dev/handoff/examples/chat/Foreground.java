package dev.handoff.examples.chat;

import java.io.PrintWriter;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A role that runs until the process is stopped, and then closes it. */
final class Foreground {

    private static final Logger logger = LoggerFactory.getLogger(Foreground.class);

    private Foreground() {}

    /**
     * Prints the lines, waits until the process is stopped, and closes the role.
     *
     * @return the exit code
     */
    static int run(Runnable close, PrintWriter out, String... lines) throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            logger.info("stopping");
                            close.run();
                            logger.info("stopped");
                            stopped.countDown();
                        },
                        "stop"));
        for (String line : lines) {
            out.println(line);
        }
        out.flush();
        stopped.await();
        return 0;
    }
}
