// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Combines the models of all sources. If two sources have a model of the same name, the first source is used.
 *
 * <p>Thread-safe. Blocks until the sources answer.
 */
final class ModelCatalog {

    private static final Logger logger = LoggerFactory.getLogger(ModelCatalog.class);

    private final List<ModelSource> sources;

    ModelCatalog(List<ModelSource> sources) {
        this.sources = List.copyOf(sources);
    }

    /** Returns the models of all sources that answer at the moment. */
    List<Model> models() {
        Map<String, Model> models = new LinkedHashMap<>();
        for (ModelSource source : sources) {
            try {
                source.models().forEach(m -> models.putIfAbsent(m.id(), m));
            } catch (ProblemException e) {
                logger.warn("some models cannot be listed: {}", e.problem().detail());
            }
        }
        return List.copyOf(models.values());
    }

    /**
     * Returns the source of a model.
     *
     * @throws ProblemException with status 404 if there is no such model, or 503 if a source does not answer
     */
    ModelSource source(String modelId) {
        ProblemException unknown = new ProblemException(
                404,
                "model_not_found",
                "'model' is " + modelId.replaceAll("\\p{Cntrl}", "?")
                        + ", which is not one of those that GET /v1/models lists.");
        for (ModelSource source : sources) {
            try {
                if (source.has(modelId)) {
                    return source;
                }
            } catch (ProblemException e) {
                unknown = e;
            }
        }
        throw unknown;
    }

    Optional<Model> find(String modelId) {
        return models().stream().filter(m -> m.id().equals(modelId)).findFirst();
    }
}
