// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.Optional;

/** Creates a task for each valid request for a response, and refuses other requests before a task starts. Thread-safe. */
final class ResponseRoute implements HandoffRoute {

    private final ModelCatalog catalog;

    ResponseRoute(ModelCatalog catalog) {
        this.catalog = catalog;
    }

    /** How long retries are joined, as {@link ChatRoute} does. */
    @Override
    public Duration joinRetriesWithin() {
        return ChatRoute.JOIN_RETRIES_WITHIN;
    }

    @Override
    public Optional<Task> route(HandoffRequest request) {
        ResponseRequest wanted = ResponseRequest.parse(request.body());
        try {
            catalog.source(wanted.chat().model()).check(wanted.chat());
        } catch (ProblemException e) {
            throw ofInput(e);
        }
        return Optional.of(ResponseHandler.task(wanted, request.body(), ApiFilter.arrivalSeconds(request)));
    }

    /** Names the parameter as the client knows it. The models know only the parameters of chat completions. */
    private static ProblemException ofInput(ProblemException e) {
        Problem problem = e.problem();
        String detail = problem.detail().replaceFirst("^'messages", "'input");
        return new ProblemException(new Problem(problem.status(), problem.code(), detail), e);
    }
}
