package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models of all sources. Where two have one of the same name, it is that of the first.
 *
 * <p>Thread-safe. Blocks as long as the sources do.
 */
final class ModelCatalog {

    private static final Logger logger = LoggerFactory.getLogger(ModelCatalog.class);

    private final List<ModelSource> sources;

    ModelCatalog(List<ModelSource> sources) {
        this.sources = List.copyOf(sources);
    }

    /** All models whose sources can be asked at the moment. */
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
     * The source of a model.
     *
     * @throws ProblemException with status 404 if there is no such model, or 503 if that cannot be told at the moment
     */
    ModelSource source(String modelId) {
        ProblemException unknown = new ProblemException(
                404,
                "model_not_found",
                "'model' is " + modelId.replaceAll("\\p{Cntrl}", "?")
                        + ", which is not one of those that GET /v1/models lists.");
        for (ModelSource source : sources) {
            try {
                if (source.models().stream().anyMatch(m -> m.id().equals(modelId))) {
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
