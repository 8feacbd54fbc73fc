package dev.handoff.mongo.database;

import java.util.List;
import java.util.Set;

/**
 * What one look at the tails of several streams has found.
 *
 * @param batches what stands in them, ordered by stream and position
 * @param cut whether the answer was cut off, so that the stream of the last batch and those after it may have more
 * @param unreadable the streams that have a document which is no batch
 */
public record TailFetch(List<EventBatch> batches, boolean cut, Set<String> unreadable) {}
