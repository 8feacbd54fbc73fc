package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.List;

/**
 * Where answers come from: one or more models that are asked in the same way.
 *
 * <p>Implementations are thread-safe.
 */
interface ModelSource {

    /**
     * The models there are at the moment. May block for some seconds.
     *
     * @throws ProblemException if that cannot be found out; with status 503
     */
    List<Model> models();

    /**
     * Refuses what the model will not be able to answer, while the client can still be told by an HTTP error. Never blocks.
     *
     * @throws ProblemException if it has to be refused; with status 400
     */
    default void check(ChatRequest request) {}

    /**
     * Answers, in the thread of the caller, for as long as it takes. It must return or throw soon after the answer was
     * cancelled, of which {@link ChatAnswer#onCancel} tells.
     *
     * @throws ProblemException if it fails for a reason that the client may be told
     * @throws Exception if it fails otherwise
     */
    void answer(ChatRequest request, ChatAnswer answer) throws Exception;
}
