// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.List;

/**
 * Provides one or more models that are called in the same way.
 *
 * <p>Implementations must be thread-safe.
 */
interface ModelSource {

    /**
     * Returns the models that are available at the moment. May block for several seconds.
     *
     * @throws ProblemException with status 503 if the source does not answer
     */
    List<Model> models();

    /**
     * Returns whether a model is available at the moment. May block for several seconds.
     *
     * @throws ProblemException with status 503 if the source does not answer
     */
    default boolean has(String modelId) {
        return models().stream().anyMatch(model -> model.id().equals(modelId));
    }

    /**
     * Checks that the model can answer a request, while the server can still send an HTTP error. Never blocks.
     *
     * @throws ProblemException with status 400 if the model cannot answer it
     */
    default void check(ChatRequest request) {}

    /**
     * Generates the answer in the thread of the caller. Blocks until it is complete. Must return or throw soon after a cancellation, which
     * it can observe by {@link ChatAnswer#onCancel}.
     *
     * @throws ProblemException if it fails for a reason that the client may see
     * @throws Exception if it fails for another reason
     */
    void answer(ChatRequest request, ChatAnswer answer) throws Exception;
}
