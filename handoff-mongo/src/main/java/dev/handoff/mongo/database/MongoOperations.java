package dev.handoff.mongo.database;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoBulkWriteException;
import com.mongodb.MongoCommandException;
import com.mongodb.MongoException;
import com.mongodb.MongoWriteConcernException;
import com.mongodb.MongoWriteException;
import com.mongodb.ReadConcern;
import com.mongodb.ReadPreference;
import com.mongodb.WriteConcern;
import com.mongodb.bulk.BulkWriteError;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.CountOptions;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.FindOneAndUpdateOptions;
import com.mongodb.client.model.InsertManyOptions;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.ReturnDocument;
import com.mongodb.client.model.Sorts;
import com.mongodb.client.model.UpdateOptions;
import com.mongodb.client.model.Updates;
import com.mongodb.client.result.UpdateResult;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.bson.BSONException;
import org.bson.BsonDocument;
import org.bson.Document;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.DocumentCodec;
import org.bson.conversions.Bson;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/** The operations on MongoDB, with its driver. */
public final class MongoOperations implements Database {

    /** The collection of events. */
    public static final String EVENTS = "handoff_events";
    /** The collection of tasks. */
    public static final String TASKS = "handoff_tasks";
    /** The collection of workers. */
    public static final String WORKERS = "handoff_workers";

    /** TTL indexes delete events and tasks at times that differ by minutes, and a task must outlive its events. */
    private static final Duration TASKS_OUTLIVE_EVENTS = Duration.ofHours(1);

    private static final Duration WORKERS_KEPT = Duration.ofDays(1);
    /** The document in the collection of workers that is written before each reading of it. */
    private static final String READERS_OF_BEATS = "readers";

    private static final int POSITIONS_PER_QUERY = 100;
    private static final int MOST_READS = 8;
    private static final int NOT_IMPLEMENTED = 238;
    /** A beat that begins again must not repeat a value that a sweeper has seen. */
    private static final long LARGEST_STEP = 1 << 20;

    private static final Bson HELD = Projections.include("state", "epoch", "worker", "cancel", "leaseUntil");
    private static final Bson WITHOUT_PAYLOAD = Projections.exclude("payload", "attributes");

    private final MongoDatabase database;
    private final DatabaseSettings settings;
    private final ServerTime time;
    private final RequiredIndex indexes;
    private volatile boolean updateReturnsFields = true;
    private final AnswerSize answerSize = new AnswerSize();
    /** Bounds the memory that answers take when many readers come at once. */
    private final Semaphore reads = new Semaphore(MOST_READS);

    /**
     * Returns at once; connects with the first operation.
     *
     * @throws IllegalArgumentException if the server would not answer writes of events
     */
    public MongoOperations(MongoDatabase database, DatabaseSettings settings) {
        this.settings = settings;
        this.database = database.withTimeout(settings.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .withReadPreference(ReadPreference.primary());
        this.time = new ServerTime(this.database, settings.ticker());
        this.indexes = new RequiredIndex(this.database);
        if (!writeConcern().isAcknowledged()) {
            throw new IllegalArgumentException(
                    "the write concern is w=0: without an answer from the server nothing decides between two writers");
        }
    }

    /** Returns the batch that a document of {@link #EVENTS} has. */
    public static EventBatch batch(BsonDocument document) {
        return EventDocuments.of(new DocumentCodec()
                .decode(document.asBsonReader(), DecoderContext.builder().build()));
    }

    // Events

    @Override
    public List<InsertOutcome> insert(List<EventBatch> batches) {
        return call(() -> {
            indexes.require();
            Instant now = time.now();
            Instant expireAt = now.plus(settings.eventRetention());
            List<Document> documents = batches.stream()
                    .map(b -> EventDocuments.toDocument(b, now, expireAt))
                    .toList();
            // What decides between writers must never be rolled back.
            boolean decides = batches.stream().anyMatch(b -> b.fence() || b.end() != null);
            return insert(decides ? events().withWriteConcern(majority()) : events(), documents);
        });
    }

    private static List<InsertOutcome> insert(MongoCollection<Document> collection, List<Document> documents) {
        try {
            return insertAll(collection, documents);
        } catch (BSONException e) {
            if (documents.size() == 1) {
                return List.of(unencodable(e));
            }
            return documents.stream()
                    .map(d -> insert(collection, List.of(d)).get(0))
                    .toList();
        }
    }

    private static List<InsertOutcome> insertAll(MongoCollection<Document> collection, List<Document> documents) {
        InsertOutcome[] outcomes = new InsertOutcome[documents.size()];
        Arrays.fill(outcomes, InsertOutcome.STORED);
        try {
            collection.insertMany(documents, new InsertManyOptions().ordered(false));
        } catch (MongoBulkWriteException e) {
            if (e.getWriteConcernError() != null) {
                Arrays.fill(
                        outcomes,
                        new InsertOutcome(
                                InsertOutcome.Kind.UNKNOWN,
                                e.getWriteConcernError().getMessage()));
            }
            for (BulkWriteError error : e.getWriteErrors()) {
                outcomes[error.getIndex()] = outcome(error.getCategory(), error.getCode(), error.getMessage());
            }
        }
        return List.of(outcomes);
    }

    /** The driver cannot encode the document, or it is too large. Nothing was sent. */
    private static InsertOutcome unencodable(BSONException e) {
        return new InsertOutcome(InsertOutcome.Kind.REFUSED, e.toString());
    }

    private static InsertOutcome outcome(ErrorCategory category, int code, String message) {
        String detail = code + ": " + message;
        if (category == ErrorCategory.DUPLICATE_KEY) {
            return new InsertOutcome(InsertOutcome.Kind.DUPLICATE, detail);
        }
        return new InsertOutcome(
                ErrorCodes.isRefusal(code) ? InsertOutcome.Kind.REFUSED : InsertOutcome.Kind.UNKNOWN, detail);
    }

    @Override
    public Map<Position, ObjectId> holders(Collection<Position> positions) {
        return call(() -> {
            Map<Position, ObjectId> holders = new HashMap<>();
            List<Position> all = List.copyOf(positions);
            for (int i = 0; i < all.size(); i += POSITIONS_PER_QUERY) {
                List<Bson> clauses = all.subList(i, Math.min(i + POSITIONS_PER_QUERY, all.size())).stream()
                        .map(p -> Filters.and(Filters.eq("stream", p.stream()), Filters.eq("seq", p.seq())))
                        .toList();
                events().find(Filters.or(clauses))
                        .projection(Projections.include("stream", "seq"))
                        .forEach(d -> holders.put(
                                new Position(d.getString("stream"), d.getLong("seq")), d.getObjectId("_id")));
            }
            return holders;
        });
    }

    @Override
    public Optional<EventBatch> last(String stream) {
        return call(() -> lastOf(events(), Filters.eq("stream", stream)));
    }

    @Override
    public Optional<EventBatch> confirmedLast(String stream) {
        return call(() -> {
            MongoCollection<Document> events = events();
            return lastOf(
                    time.isCluster() ? events.withReadConcern(ReadConcern.LINEARIZABLE) : events,
                    Filters.eq("stream", stream));
        });
    }

    @Override
    public Optional<EventBatch> lastBefore(String stream, long position) {
        return call(() -> lastOf(events(), Filters.and(Filters.eq("stream", stream), Filters.lt("seq", position))));
    }

    private static Optional<EventBatch> lastOf(MongoCollection<Document> events, Bson filter) {
        return Optional.ofNullable(events.find(filter)
                        .sort(Sorts.descending("seq"))
                        .limit(1)
                        .first())
                .map(EventDocuments::of);
    }

    @Override
    public List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes) {
        acquireRead();
        try {
            return readOne(stream, from, maxEvents, maxBytes);
        } finally {
            reads.release();
        }
    }

    private void acquireRead() {
        boolean acquired = false;
        try {
            acquired = reads.tryAcquire(settings.timeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!acquired) {
            throw DatabaseException.unknown(MOST_READS + " other reads have not ended in time", null);
        }
    }

    private List<EventBatch> readOne(String stream, long from, int maxEvents, long maxBytes) {
        return call(() -> {
            List<EventBatch> found = new ArrayList<>();
            try (MongoCursor<Document> cursor = events().find(
                            Filters.and(Filters.eq("stream", stream), Filters.gte("seq", from)))
                    .sort(Sorts.ascending("seq"))
                    .batchSize(answerSize.documents(maxBytes))
                    .cursor()) {
                long count = 0;
                long bytes = 0;
                while (count <= maxEvents && bytes < maxBytes && cursor.hasNext()) {
                    EventBatch batch = EventDocuments.of(cursor.next());
                    found.add(batch);
                    count += batch.events().size();
                    bytes += answerSize.note(batch.bytes());
                }
            }
            return found;
        });
    }

    @Override
    public TailFetch tails(Map<String, Long> from, long maxBytes) {
        return call(() -> {
            List<EventBatch> batches = new ArrayList<>();
            List<Date> created = new ArrayList<>();
            Set<String> unreadable = new HashSet<>();
            Map<Long, List<String>> byPosition = new TreeMap<>();
            from.forEach((stream, seq) ->
                    byPosition.computeIfAbsent(seq, s -> new ArrayList<>()).add(stream));
            List<Bson> clauses = new ArrayList<>();
            // The position comes first, since a server without the index is sooner done with what is long past.
            byPosition.forEach((seq, streams) -> clauses.add(Filters.and(
                    Filters.gte("seq", seq),
                    streams.size() == 1 ? Filters.eq("stream", streams.get(0)) : Filters.in("stream", streams))));
            long bytes = 0;
            try (MongoCursor<Document> cursor = events().find(
                            clauses.size() == 1 ? clauses.get(0) : Filters.or(clauses))
                    .sort(Sorts.ascending("stream", "seq"))
                    .batchSize(answerSize.documents(maxBytes))
                    .cursor()) {
                while (bytes < maxBytes && cursor.hasNext()) {
                    Document document = cursor.next();
                    try {
                        EventBatch batch = EventDocuments.of(document);
                        batches.add(batch);
                        created.add(document.getDate("created"));
                        bytes += answerSize.note(batch.bytes());
                    } catch (RuntimeException e) {
                        unreadable.add(String.valueOf(document.get("stream")));
                    }
                }
            }
            Instant now = time.now();
            List<Duration> ages = created.stream().map(date -> age(date, now)).toList();
            return new TailFetch(batches, bytes >= maxBytes, unreadable, ages);
        });
    }

    private static Duration age(@Nullable Date created, Instant now) {
        Duration age = created == null ? Duration.ZERO : Duration.between(created.toInstant(), now);
        return age.isNegative() ? Duration.ZERO : age;
    }

    @Override
    public long fences(String stream) {
        return call(
                () -> events().countDocuments(Filters.and(Filters.eq("stream", stream), Filters.eq("fence", true))));
    }

    // Tasks

    @Override
    public InsertOutcome insertTask(TaskRecord task) {
        return call(() -> {
            indexes.require();
            try {
                tasks().insertOne(TaskDocuments.queued(task, time.now()));
                return InsertOutcome.STORED;
            } catch (BSONException e) {
                return unencodable(e);
            } catch (MongoWriteException e) {
                return outcome(
                        e.getError().getCategory(),
                        e.getError().getCode(),
                        e.getError().getMessage());
            }
        });
    }

    @Override
    public Optional<TaskRecord> task(String id) {
        return call(() -> Optional.ofNullable(
                        tasks().find(Filters.eq(id)).projection(WITHOUT_PAYLOAD).first())
                .map(TaskDocuments::record));
    }

    @Override
    public Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within) {
        return call(() -> Optional.ofNullable(tasks().find(Filters.and(
                                Filters.eq("fingerprint", fingerprint),
                                Filters.gte("created", before(within)),
                                // Null stands for a document without the field, too.
                                Filters.eq("subject", subject)))
                        .sort(Sorts.descending("created"))
                        .projection(WITHOUT_PAYLOAD)
                        .limit(1)
                        .first())
                .map(TaskDocuments::record));
    }

    @Override
    public long queuedBefore(Instant created, int limit) {
        return call(() -> tasks().countDocuments(
                        Filters.and(Filters.eq("state", "queued"), Filters.lt("created", Date.from(created))),
                        new CountOptions().limit(limit)));
    }

    @Override
    public Map<String, Long> queueLengths(Collection<String> types, int limit) {
        return call(() -> {
            Map<String, Long> lengths = new HashMap<>();
            for (String type : types) {
                lengths.put(
                        type,
                        tasks().countDocuments(
                                        Filters.and(Filters.eq("state", "queued"), Filters.eq("type", type)),
                                        new CountOptions().limit(limit)));
            }
            return lengths;
        });
    }

    @Override
    public Optional<HeldTask> requestCancel(String id) {
        return call(() -> Optional.ofNullable(update(
                        Filters.and(Filters.eq(id), Filters.in("state", "queued", "running")),
                        Updates.set("cancel", true),
                        HELD))
                .map(TaskDocuments::held));
    }

    @Override
    public Optional<TaskRecord> claim(Collection<String> types, String owner) {
        return call(() -> {
            Date now = Date.from(time.now());
            Document before = tasks().findOneAndUpdate(
                            Filters.and(Filters.eq("state", "queued"), Filters.in("type", types)),
                            Updates.combine(ownedBy(owner), Updates.inc("attempts", 1), Updates.set("started", now)),
                            // The stand-in answers with live documents: two callers would be given the same epoch.
                            new FindOneAndUpdateOptions()
                                    .sort(Sorts.ascending("created"))
                                    .returnDocument(ReturnDocument.BEFORE));
            return taken(before == null ? null : before.append("started", now));
        });
    }

    @Override
    public Optional<TaskRecord> take(HeldTask task, String owner) {
        return call(() -> taken(update(
                Filters.and(
                        Filters.eq(task.id()),
                        Filters.eq("state", TaskDocuments.name(task.state())),
                        Filters.eq("epoch", task.epoch()),
                        Filters.eq("worker", task.owner()),
                        Filters.eq("leaseUntil", task.lease() == null ? null : new Date(task.lease()))),
                ownedBy(owner),
                WITHOUT_PAYLOAD)));
    }

    /** Updates a task and returns these fields of it as they were before. */
    private @Nullable Document update(Bson filter, Bson update, Bson fields) {
        FindOneAndUpdateOptions options = new FindOneAndUpdateOptions().returnDocument(ReturnDocument.BEFORE);
        if (updateReturnsFields) {
            try {
                return tasks().findOneAndUpdate(filter, update, options.projection(fields));
            } catch (MongoCommandException e) {
                if (e.getErrorCode() != NOT_IMPLEMENTED) {
                    throw e;
                }
                // FerretDB 1 has done nothing, and can only return the whole document.
                updateReturnsFields = false;
            }
        }
        return tasks().findOneAndUpdate(filter, update, options.projection(null));
    }

    private static Bson ownedBy(String owner) {
        return Updates.combine(
                Updates.inc("epoch", 1),
                Updates.set("state", "running"),
                Updates.set("worker", owner),
                Updates.unset("leaseUntil"));
    }

    private static Optional<TaskRecord> taken(@Nullable Document before) {
        return Optional.ofNullable(before)
                .map(b -> TaskDocuments.record(
                        b.append("epoch", b.getInteger("epoch") + 1).append("state", "running")));
    }

    @Override
    public boolean requeue(String id, int epoch, boolean attempted) {
        return call(() -> tasks().updateOne(
                                Filters.and(Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                                Updates.combine(
                                        Updates.set("state", "queued"),
                                        Updates.inc("attempts", attempted ? 0 : -1),
                                        Updates.unset("worker"),
                                        Updates.unset("leaseUntil")))
                        .getMatchedCount()
                == 1);
    }

    @Override
    public boolean finish(String id, int epoch, TaskStatus.State state) {
        return call(() -> {
            Instant now = time.now();
            Instant expireAt = now.plus(settings.taskRetention()).plus(TASKS_OUTLIVE_EVENTS);
            return tasks().updateOne(
                                    Filters.and(
                                            Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                                    Updates.combine(
                                            Updates.set("state", TaskDocuments.name(state)),
                                            Updates.set("ended", Date.from(now)),
                                            Updates.set("expireAt", Date.from(expireAt)),
                                            Updates.unset("payload"),
                                            Updates.unset("leaseUntil")))
                            .getMatchedCount()
                    == 1;
        });
    }

    @Override
    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
        return held(
                Filters.and(Filters.eq("state", "running"), Filters.nin("worker", owners)),
                Sorts.ascending("worker", "_id"),
                limit);
    }

    @Override
    public List<HeldTask> runningOf(String owner, int limit) {
        return held(
                Filters.and(Filters.eq("state", "running"), Filters.eq("worker", owner)),
                Sorts.ascending("_id"),
                limit);
    }

    private List<HeldTask> held(Bson filter, Bson sort, int limit) {
        return call(() -> tasks().find(filter).projection(HELD).sort(sort).limit(limit).into(new ArrayList<>()).stream()
                .map(TaskDocuments::held)
                .toList());
    }

    @Override
    public void recordReaders(Collection<String> ids) {
        call(() -> tasks().updateMany(Filters.in("_id", ids), Updates.set("attended", Date.from(time.now()))));
    }

    @Override
    public List<String> unread(Duration duration, int limit) {
        return call(() -> tasks().find(Filters.and(
                        Filters.in("state", "queued", "running"),
                        Filters.ne("cancel", true),
                        Filters.lt("attended", before(duration))))
                .projection(Projections.include("_id"))
                .limit(limit)
                .map(d -> d.getString("_id"))
                .into(new ArrayList<>()));
    }

    @Override
    public List<HeldTask> queuedLongerThan(Duration duration, int limit) {
        return call(() -> held(
                Filters.and(Filters.eq("state", "queued"), Filters.lt("created", before(duration))),
                Sorts.ascending("created"),
                limit));
    }

    private Date before(Duration duration) {
        return Date.from(time.now().minus(duration));
    }

    // Workers

    @Override
    public void beat(String worker) {
        call(() -> {
            // A worker without a beat claims nothing.
            indexes.require();
            return increment(worker);
        });
    }

    private UpdateResult increment(String worker) {
        try {
            return incrementOnce(worker);
        } catch (MongoWriteException e) {
            if (e.getError().getCategory() != ErrorCategory.DUPLICATE_KEY) {
                throw e;
            }
            // Another process has created the document at the same time. Servers before 4.2 do not look again.
            return incrementOnce(worker);
        }
    }

    private UpdateResult incrementOnce(String worker) {
        return workers()
                .updateOne(
                        Filters.eq(worker),
                        Updates.combine(
                                Updates.inc("beat", ThreadLocalRandom.current().nextLong(1, LARGEST_STEP)),
                                Updates.set("expireAt", Date.from(time.now().plus(WORKERS_KEPT)))),
                        new UpdateOptions().upsert(true));
    }

    @Override
    public Map<String, Long> beats() {
        return call(() -> {
            // A primary without the other servers answers reads until it steps down, but never this write.
            // No worker can write its beat there, so what is read there says nothing.
            if (time.isCluster()) {
                increment(READERS_OF_BEATS);
            }
            Map<String, Long> beats = new HashMap<>();
            workers()
                    .find(Filters.ne("_id", READERS_OF_BEATS))
                    .projection(Projections.include("beat"))
                    .forEach(d -> beats.put(d.getString("_id"), d.get("beat", Number.class).longValue()));
            return beats;
        });
    }

    @Override
    public void forget(String worker, long beat) {
        call(() -> workers().deleteOne(Filters.and(Filters.eq(worker), Filters.eq("beat", beat))));
    }

    // Retention

    @Override
    public void deleteExpired() {
        call(() -> {
            Instant now = time.now();
            Expiry expiry = new Expiry(now, settings.timeout(), settings.ticker());
            // A task outlives its events.
            if (expiry.delete(events())) {
                expiry.delete(tasks());
            }
            expiry.delete(workers());
            return null;
        });
    }

    private MongoCollection<Document> events() {
        return database.getCollection(EVENTS).withReadConcern(readConcern()).withWriteConcern(writeConcern());
    }

    private MongoCollection<Document> tasks() {
        return collection(TASKS).withWriteConcern(majority());
    }

    private MongoCollection<Document> workers() {
        return collection(WORKERS).withWriteConcern(majority());
    }

    private static WriteConcern majority() {
        return WriteConcern.MAJORITY;
    }

    /** Whatever events are read with: who finds a task may say that it is accepted, so it must not be rolled back. */
    private MongoCollection<Document> collection(String name) {
        return database.getCollection(name)
                .withReadConcern(time.isCluster() ? ReadConcern.MAJORITY : ReadConcern.DEFAULT);
    }

    /** The settings count before the connection string. */
    private WriteConcern writeConcern() {
        WriteConcern own = settings.writeConcern() == null ? database.getWriteConcern() : settings.writeConcern();
        return own.equals(WriteConcern.ACKNOWLEDGED) ? majority() : own;
    }

    /** A standalone server has nothing that could be rolled back, and refuses some concerns. */
    private ReadConcern readConcern() {
        if (!time.isCluster()) {
            return ReadConcern.DEFAULT;
        }
        ReadConcern own = settings.readConcern() == null ? database.getReadConcern() : settings.readConcern();
        return own.equals(ReadConcern.DEFAULT) ? ReadConcern.MAJORITY : own;
    }

    private static <T> T call(Supplier<T> operation) {
        try {
            return operation.get();
        } catch (DatabaseException e) {
            throw e;
        } catch (MongoException e) {
            // The server has done an operation that its other servers have not confirmed.
            throw ErrorCodes.isRefusal(e.getCode()) && !(e instanceof MongoWriteConcernException)
                    ? DatabaseException.refused(e.toString(), e)
                    : DatabaseException.unknown(e.toString(), e);
        } catch (RuntimeException e) {
            // The driver throws others, too, for example if the client was closed.
            throw DatabaseException.unknown(e.toString(), e);
        }
    }
}
