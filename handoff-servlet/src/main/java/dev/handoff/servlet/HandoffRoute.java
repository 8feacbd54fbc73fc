package dev.handoff.servlet;

import dev.handoff.HandoffRequest;
import dev.handoff.ProblemException;
import dev.handoff.Task;
import java.util.Optional;

/** Decides, for each request on its path, whether to hand it off, and as which task. */
@FunctionalInterface
public interface HandoffRoute {

    /**
     * The task that the request asks for. Its subject and idempotency key are set later, from the request.
     *
     * @return empty to let the request pass to the application, untouched and with its body still to be read
     * @throws ProblemException if the request cannot be served; it is answered with the problem
     */
    Optional<Task> route(HandoffRequest request);
}
