// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Inserts batches once and determines whether each was stored. Blocks until the database answers. Thread-safe. */
final class BatchInsert {

    private static final Logger logger = LoggerFactory.getLogger(BatchInsert.class);

    /** The outcome of a batch. */
    enum Kind {
        STORED,
        /** Another writer has stored an entry at its position. */
        FENCED,
        /** The batch is not stored and never will be. */
        FAILED,
        /** The batch may or may not be stored. */
        UNKNOWN
    }

    /**
     * Holds the outcome of a batch.
     *
     * @param failure the reason of {@code FAILED} and {@code UNKNOWN}; else null
     */
    record Result(Kind kind, @Nullable DatabaseException failure) {}

    /**
     * Holds the outcomes of the batches of one call.
     *
     * @param results the outcome of each batch, in the same order
     * @param answered whether the database answered
     */
    record Results(List<Result> results, boolean answered) {}

    private static final Result STORED = new Result(Kind.STORED, null);
    private static final Result FENCED = new Result(Kind.FENCED, null);

    private final Database database;

    BatchInsert(Database database) {
        this.database = database;
    }

    /** Inserts each batch separately, if possible in one operation. Throws no exception of the database. */
    Results insert(List<EventBatch> batches) {
        try {
            return settle(batches, database.insert(batches));
        } catch (DatabaseException e) {
            if (e.refused()) {
                return narrow(batches, e);
            }
            Failures.log(
                    logger, e, "the database did not answer the write of {} batches, trying again: {}", batches.size());
            Result unknown = new Result(Kind.UNKNOWN, e);
            return new Results(batches.stream().map(b -> unknown).toList(), false);
        } catch (RuntimeException | Error e) {
            return narrow(batches, DatabaseException.unknown("the driver failed", e));
        }
    }

    /** Splits the batches in halves repeatedly, to find the batch that the database refuses and to store the others. */
    private Results narrow(List<EventBatch> batches, DatabaseException e) {
        int count = batches.size();
        if (count == 1) {
            logger.error("a batch of stream {} cannot be written", batches.get(0).stream(), e);
            return new Results(List.of(new Result(Kind.FAILED, e)), true);
        }
        Results first = insert(batches.subList(0, count / 2));
        if (!first.answered) {
            // An attempt with the other batches would only reach the same time limit.
            Result unknown = new Result(Kind.UNKNOWN, e);
            List<Result> all = new ArrayList<>(first.results);
            batches.subList(count / 2, count).forEach(b -> all.add(unknown));
            return new Results(all, false);
        }
        Results second = insert(batches.subList(count / 2, count));
        List<Result> all = new ArrayList<>(first.results);
        all.addAll(second.results);
        return new Results(all, second.answered);
    }

    private Results settle(List<EventBatch> batches, List<InsertOutcome> outcomes) {
        List<EventBatch> duplicates = new ArrayList<>();
        for (int i = 0; i < batches.size(); i++) {
            if (outcomes.get(i).kind() == InsertOutcome.Kind.DUPLICATE) {
                duplicates.add(batches.get(i));
            }
        }
        Map<Position, ObjectId> holders = duplicates.isEmpty() ? Map.of() : holders(duplicates);
        List<Result> results = new ArrayList<>(batches.size());
        int unknown = 0;
        String detail = null;
        for (int i = 0; i < batches.size(); i++) {
            Result result = result(batches.get(i), outcomes.get(i), holders);
            results.add(result);
            if (result.kind == Kind.UNKNOWN) {
                unknown++;
                detail = outcomes.get(i).detail();
            } else if (result.kind == Kind.FAILED) {
                logger.error(
                        "the database refused a batch of stream {}: {}",
                        batches.get(i).stream(),
                        outcomes.get(i).detail());
            }
        }
        if (unknown > 0) {
            logger.warn("{} batches may or may not be stored, writing them again: {}", unknown, detail);
        }
        return new Results(results, true);
    }

    /**
     * Returns the result of one batch. A duplicate with the id of this batch means that an earlier attempt stored it and that the answer
     * was lost. A duplicate with another id is a batch of another writer. While a read returns no batch at the position, the result is
     * unknown.
     */
    private static Result result(EventBatch batch, InsertOutcome outcome, Map<Position, ObjectId> holders) {
        return switch (outcome.kind()) {
            case STORED -> STORED;
            case REFUSED -> new Result(Kind.FAILED, DatabaseException.refused(outcome.detail(), null));
            case UNKNOWN -> new Result(Kind.UNKNOWN, DatabaseException.unknown(outcome.detail(), null));
            case DUPLICATE -> {
                ObjectId holder = holders.get(positionOf(batch));
                if (holder == null) {
                    yield new Result(Kind.UNKNOWN, DatabaseException.unknown(outcome.detail(), null));
                }
                yield holder.equals(batch.id()) ? STORED : FENCED;
            }
        };
    }

    /** Returns the ids of the batches that are stored at the positions of these batches; empty if the read fails. */
    private Map<Position, ObjectId> holders(List<EventBatch> batches) {
        try {
            return database.holders(
                    batches.stream().map(BatchInsert::positionOf).toList());
        } catch (RuntimeException e) {
            Failures.log(logger, e, "the batches at {} positions could not be read, trying again: {}", batches.size());
            return Map.of();
        }
    }

    private static Position positionOf(EventBatch batch) {
        return new Position(batch.stream(), batch.seq());
    }
}
