package dev.handoff.mongo.task;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoException;
import com.mongodb.MongoSocketException;
import com.mongodb.MongoWriteException;
import com.mongodb.ReadPreference;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.CountOptions;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.FindOneAndUpdateOptions;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.ReturnDocument;
import com.mongodb.client.model.Sorts;
import com.mongodb.client.model.Updates;
import dev.handoff.End;
import dev.handoff.EventAppender;
import dev.handoff.EventStream;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.StaleWriterException;
import dev.handoff.Task;
import dev.handoff.TaskDispatcher;
import dev.handoff.TaskStatus;
import dev.handoff.Ticker;
import dev.handoff.mongo.database.Durations;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.stream.MongoEventStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.bson.Document;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue of tasks in MongoDB, in the collection {@code handoff_tasks}, from which any number of {@link MongoWorker workers}
 * take what they do:
 *
 * <pre>
 * { _id: task id, type, payload?, fingerprint, attributes: [ { name, value }, … ], subject?, key?, format,
 *   state: "queued" | "running" | "completed" | "failed" | "cancelled", epoch: int32, attempts: int32,
 *   worker?, leaseUntil?: date, cancel?: true, attended: date, created: date, started?: date, ended?: date,
 *   expireAt?: date }
 * </pre>
 *
 * <ol>
 *   <li>Dispatching inserts the document: its {@code _id} makes that idempotent on all servers.
 *   <li>Whoever takes a task, be it to run, to cancel or to sweep it, raises its epoch in the same step, and holds it until
 *       {@code leaseUntil}.
 *   <li>A task ends by the end of its stream, which only one can write. The state follows, never goes before: so whoever
 *       dies between the two leaves something that the sweep can set right.
 *   <li>The sweep takes each running task whose lease is over. If its stream has ended, the state is set; if it has events, it
 *       is ended with {@code worker_lost}; if not, it is queued again, behind a fence that keeps the lost worker out.
 * </ol>
 *
 * <p>Times are those of the clocks of the machines, which have to agree to about a second. Writes have the write concern
 * {@code majority}. All methods block for as long as the server takes.
 */
public final class MongoTaskQueue implements TaskDispatcher {

    /** The collection. */
    public static final String COLLECTION = "handoff_tasks";

    private static final Logger logger = LoggerFactory.getLogger(MongoTaskQueue.class);
    private static final int MAX_PAYLOAD_CHARS = 4 << 20;
    private static final int SWEEP_AT_A_TIME = 100;
    private static final int MISSED_SWEEPS = 3;
    private static final Duration EXPIRY_INTERVAL = Duration.ofMinutes(1);
    private static final Duration SHORTEST_ATTENDANCE_INTERVAL = Duration.ofSeconds(1);
    /** A clock that differs more than this from monotonic time was set. */
    private static final long LARGEST_DRIFT_MILLIS = 1000;

    private static final Bson WITHOUT_PAYLOAD = Projections.exclude("payload", "attributes");

    private final MongoCollection<Document> tasks;
    private final MongoCollection<Document> events;
    private final MongoEventStore store;
    private final Executor executor;
    private final Set<String> types;
    private final Clock clock;
    private final Ticker ticker;
    private final Duration retention;
    private final Duration lease;
    private final Duration sweepInterval;
    private final int maxAttempts;
    private final @Nullable Duration cancelUnattendedAfter;
    private final Throttle sweeps;
    private final Throttle expiry;

    private final Duration attendanceInterval;
    private final Throttle attendance;
    /** The tasks that were named since the last time that this was written. */
    private final Set<String> named = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean writingNamed = new AtomicBoolean();

    private final ReentrantLock lock = new ReentrantLock();
    // Only under the lock.
    private long lastSweep;
    private long lastSweepMillis;
    private long sweepingSince;

    private MongoTaskQueue(Builder builder) {
        if (builder.executor == builder.store.executor()) {
            throw new IllegalArgumentException("the executor is that of the store, for whose writes it would wait");
        }
        if (builder.retention.compareTo(builder.store.retention()) > 0) {
            throw new IllegalArgumentException("tasks are kept for " + builder.retention
                    + ", longer than their streams, which are for " + builder.store.retention());
        }
        if (builder.cancelUnattendedAfter != null
                && builder.cancelUnattendedAfter.compareTo(builder.sweepInterval.multipliedBy(MISSED_SWEEPS)) < 0) {
            throw new IllegalArgumentException("cancelUnattendedAfter is " + builder.cancelUnattendedAfter
                    + ", less than " + MISSED_SWEEPS + " times the sweepInterval of " + builder.sweepInterval);
        }
        this.tasks = builder.database
                .getCollection(COLLECTION)
                .withWriteConcern(WriteConcern.MAJORITY)
                .withReadPreference(ReadPreference.primary())
                .withTimeout(5000, TimeUnit.MILLISECONDS);
        this.events = builder.database.getCollection(MongoEventStore.COLLECTION);
        this.store = builder.store;
        this.executor = builder.executor;
        this.types = Set.copyOf(builder.types);
        this.clock = builder.clock;
        this.ticker = builder.ticker;
        this.retention = builder.retention;
        this.lease = builder.lease;
        this.sweepInterval = builder.sweepInterval;
        this.maxAttempts = builder.maxAttempts;
        this.cancelUnattendedAfter = builder.cancelUnattendedAfter;
        // A quarter early, since streaming servers call about once a second, and the next call would come too late.
        this.sweeps = new Throttle(ticker, sweepInterval.multipliedBy(3).dividedBy(4));
        this.expiry = new Throttle(ticker, EXPIRY_INTERVAL);
        Duration quarter = cancelUnattendedAfter == null ? Duration.ZERO : cancelUnattendedAfter.dividedBy(4);
        this.attendanceInterval =
                quarter.compareTo(SHORTEST_ATTENDANCE_INTERVAL) < 0 ? SHORTEST_ATTENDANCE_INTERVAL : quarter;
        this.attendance = new Throttle(ticker, attendanceInterval);
        this.lastSweep = ticker.read();
        this.lastSweepMillis = clock.millis();
        this.sweepingSince = lastSweep;
    }

    /**
     * Returns a builder of a queue in a database that has the indexes of {@link MongoIndexes}.
     *
     * @param store where the streams of its tasks are, in the same database
     * @param executor sweeps, writes which tasks have readers, and cancels tasks that run here. It waits for the store, so it
     *     must not be that of the store. It needs two threads, and one more for each action of
     *     {@link dev.handoff.TaskOutput#onCancel} that may block at the same time; belongs to the caller
     * @param types the types of tasks that are taken; others are refused
     */
    public static Builder builder(
            MongoDatabase database, MongoEventStore store, Executor executor, Collection<String> types) {
        return new Builder(database, store, executor, types);
    }

    @Override
    public TaskStatus dispatch(Task task) {
        if (!types.contains(task.type())) {
            throw new ProblemException(400, "unknown_task_type", "No handler does tasks of type " + task.type() + '.');
        }
        if (task.payload().length() > MAX_PAYLOAD_CHARS) {
            throw new ProblemException(
                    413, "content_too_large", "A task may have " + MAX_PAYLOAD_CHARS + " characters at most.");
        }
        String fingerprint = task.fingerprint();
        Instant now = clock.instant();
        Document document = document(task, fingerprint, now);
        return reaching(() -> {
            try {
                insert(document);
                return status(document);
            } catch (MongoWriteException e) {
                if (e.getError().getCategory() != ErrorCategory.DUPLICATE_KEY) {
                    throw e;
                }
            }
            Document known = tasks.find(Filters.eq(task.id()))
                    .projection(WITHOUT_PAYLOAD)
                    .first();
            if (known == null) {
                throw new ProblemException(
                        503, "overloaded", "The task was just forgotten; the request can be made again.");
            }
            if (!fingerprint.equals(known.getString("fingerprint"))) {
                throw new ProblemException(
                        422,
                        "idempotency_key_reused",
                        "The idempotency key \"" + task.idempotencyKey() + "\" was used before with another request.");
            }
            return status(known);
        });
    }

    /** Once more if the answer got lost: else a client that is told to try again would have its task done twice. */
    private void insert(Document document) {
        try {
            tasks.insertOne(document);
        } catch (MongoSocketException e) {
            logger.debug("inserting task {} again, whose answer got lost", document.getString("_id"), e);
            tasks.insertOne(document);
        }
    }

    private static Document document(Task task, String fingerprint, Instant now) {
        List<Document> attributes = new ArrayList<>();
        // Not as fields: names may hold dots and dollar signs, which some servers refuse.
        task.attributes().forEach((name, value) -> attributes.add(new Document("name", name).append("value", value)));
        Document document = new Document("_id", task.id())
                .append("type", task.type())
                .append("payload", task.payload())
                .append("fingerprint", fingerprint)
                .append("attributes", attributes)
                .append("format", task.format())
                .append("state", "queued")
                .append("epoch", 0)
                .append("attempts", 0)
                .append("attended", Date.from(now))
                .append("created", Date.from(now));
        if (task.subject() != null) {
            document.append("subject", task.subject());
        }
        if (task.idempotencyKey() != null) {
            document.append("key", task.idempotencyKey());
        }
        return document;
    }

    static Task task(Document document) {
        Map<String, String> attributes = new HashMap<>();
        for (Document attribute : document.getList("attributes", Document.class)) {
            attributes.put(attribute.getString("name"), attribute.getString("value"));
        }
        return new Task(
                document.getString("_id"),
                document.getString("type"),
                document.getString("payload"),
                attributes,
                document.getString("subject"),
                document.getString("key"),
                document.getString("format"));
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return reaching(() -> Optional.ofNullable(tasks.find(Filters.eq(taskId))
                        .projection(WITHOUT_PAYLOAD)
                        .first())
                .map(this::status));
    }

    private TaskStatus status(Document document) {
        TaskStatus.State state =
                TaskStatus.State.valueOf(document.getString("state").toUpperCase(Locale.ROOT));
        Date created = document.getDate("created");
        int before = state == TaskStatus.State.QUEUED ? queuedBefore(created) : 0;
        return new TaskStatus(
                document.getString("_id"),
                document.getString("subject"),
                document.getString("format"),
                state,
                before,
                created.toInstant(),
                instant(document.getDate("started")),
                instant(document.getDate("ended")));
    }

    /** Returns 0 if it cannot be counted: a task that was accepted must not be refused for that. */
    private int queuedBefore(Date created) {
        try {
            return (int) tasks.countDocuments(
                    Filters.and(Filters.eq("state", "queued"), Filters.lt("created", created)),
                    new CountOptions().limit(TaskStatus.MAX_QUEUE_POSITION));
        } catch (MongoException e) {
            logger.debug("the queue could not be counted", e);
            return 0;
        }
    }

    /**
     * Returns the latest task that the same subject asked for with the same type and payload within a time. The time is
     * measured by the clocks of the servers that accept tasks.
     */
    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        Date oldest = Date.from(clock.instant().minus(within));
        return reaching(() -> Optional.ofNullable(tasks.find(Filters.and(
                                Filters.eq("fingerprint", task.fingerprint()),
                                Filters.gte("created", oldest),
                                // Null stands for a document without the field, too.
                                Filters.eq("subject", task.subject())))
                        .sort(Sorts.descending("created"))
                        .projection(WITHOUT_PAYLOAD)
                        .limit(1)
                        .first())
                .map(this::status));
    }

    private static @Nullable Instant instant(@Nullable Date date) {
        return date == null ? null : date.toInstant();
    }

    /**
     * Asks that a task be cancelled. One that waits is ended here; one that runs is ended by its worker, which looks several
     * times a second.
     */
    @Override
    public boolean cancel(String taskId) {
        return reaching(() -> {
            Document open = tasks.findOneAndUpdate(
                    Filters.and(Filters.eq(taskId), Filters.in("state", "queued", "running")),
                    Updates.set("cancel", true));
            if (open == null) {
                Document known = tasks.find(Filters.eq(taskId))
                        .projection(Projections.include("state"))
                        .first();
                return known != null && "cancelled".equals(known.getString("state"));
            }
            if ("queued".equals(open.getString("state"))) {
                take(Filters.and(Filters.eq(taskId), Filters.eq("state", "queued")), "canceller")
                        .ifPresent(this::settle);
            }
            return true;
        });
    }

    /**
     * Records which streams are being read, if tasks without readers are to be cancelled, and sweeps if that is due. Returns
     * at once: the executor of the queue does both. It writes the ids of several calls together: once in a quarter of
     * the limit, but at most once a second.
     */
    @Override
    public void attended(Collection<String> taskIds) {
        if (cancelUnattendedAfter != null) {
            named.addAll(taskIds);
            writeNamedIfDue();
        }
        sweepIfDue();
    }

    private void writeNamedIfDue() {
        if (named.isEmpty() || !writingNamed.compareAndSet(false, true)) {
            return;
        }
        if (!attendance.tryAcquire()) {
            writingNamed.set(false);
        } else if (!onExecutor(this::writeNamed)) {
            // Not kept, since an executor may refuse for ever. The next call names the tasks that are still being read.
            named.clear();
            attendance.reset();
            writingNamed.set(false);
        }
    }

    private void writeNamed() {
        List<String> ids = List.copyOf(named);
        ids.forEach(named::remove);
        try {
            tasks.updateMany(Filters.in("_id", ids), Updates.set("attended", Date.from(clock.instant())));
        } catch (RuntimeException e) {
            // The next call names those that are still being read.
            attendance.reset();
            logger.warn("the readers of tasks could not be recorded, the next call tries again: {}", e.toString());
        } finally {
            writingNamed.set(false);
        }
    }

    /** Has the executor sweep if that is due. Returns at once, since the leases of workers must not wait for it. */
    void sweepIfDue() {
        if (sweeps.tryAcquire()) {
            onExecutor(() -> {
                try {
                    sweep();
                } catch (RuntimeException e) {
                    Failures.log(logger, e, "the sweep failed, the next one goes on: {}");
                }
            });
        }
    }

    /** Submits an action that must not block the caller. Returns whether the executor took it. */
    boolean onExecutor(Runnable action) {
        try {
            executor.execute(action);
            return true;
        } catch (RejectedExecutionException e) {
            logger.debug("the executor takes neither sweeps nor cancellations", e);
        } catch (RuntimeException | Error e) {
            logger.warn("the executor failed to take a sweep or a cancellation", e);
        }
        return false;
    }

    /**
     * Sets right what lost workers have left, and drops what has expired. Workers do it, and so do streaming servers by
     * {@link #attended}; any number may at the same time.
     */
    public void sweep() {
        Date now = Date.from(clock.instant());
        int found;
        do {
            found = sweepSome(now);
        } while (found == SWEEP_AT_A_TIME);
        cancelUnattended();
        if (expiry.tryAcquire()) {
            tasks.deleteMany(Filters.lt("expireAt", now));
            events.deleteMany(Filters.lt("expireAt", now));
        }
    }

    /** Returns how many were found; they are not found again, because their leases are renewed or they have ended. */
    private int sweepSome(Date now) {
        List<Document> lost = tasks.find(Filters.and(Filters.eq("state", "running"), Filters.lt("leaseUntil", now)))
                .projection(Projections.include("epoch"))
                .limit(SWEEP_AT_A_TIME)
                .into(new ArrayList<>());
        for (Document task : lost) {
            take(
                            Filters.and(
                                    Filters.eq(task.getString("_id")),
                                    Filters.eq("state", "running"),
                                    Filters.eq("epoch", task.getInteger("epoch")),
                                    Filters.lt("leaseUntil", now)),
                            "sweeper")
                    .ifPresent(this::settleOrLeave);
        }
        return lost.size();
    }

    /** What is wrong with one task must not keep the others waiting. */
    private void settleOrLeave(Document taken) {
        try {
            settle(taken);
        } catch (RuntimeException e) {
            Failures.log(logger, e, "task {} could not be settled, and is tried again: {}", taken.getString("_id"));
        }
    }

    private void cancelUnattended() {
        Duration limit = cancelUnattendedAfter;
        if (limit == null) {
            return;
        }
        if (!hasSweptFor(limit)) {
            // While the store was unreachable no server could record readers.
            return;
        }
        // A time that was written may be as old as the interval in which it is written.
        Instant oldest = clock.instant().minus(limit).minus(attendanceInterval);
        tasks.find(Filters.and(
                        Filters.in("state", "queued", "running"),
                        Filters.ne("cancel", true),
                        Filters.lt("attended", Date.from(oldest))))
                .projection(Projections.include("_id"))
                .limit(SWEEP_AT_A_TIME)
                .forEach(d -> {
                    logger.info("cancelling task {}, which nobody has read for {}", d.getString("_id"), limit);
                    cancel(d.getString("_id"));
                });
    }

    /**
     * Notes a sweep, and returns whether this process has swept regularly for a time, by a clock that was not set meanwhile.
     */
    private boolean hasSweptFor(Duration time) {
        lock.lock();
        try {
            long now = ticker.read();
            long millis = clock.millis();
            long since = now - lastSweep;
            long drift = millis - lastSweepMillis - TimeUnit.NANOSECONDS.toMillis(since);
            if (since / MISSED_SWEEPS > sweepInterval.toNanos() || Math.abs(drift) > LARGEST_DRIFT_MILLIS) {
                sweepingSince = now;
            }
            lastSweep = now;
            lastSweepMillis = millis;
            return now - sweepingSince >= time.toNanos();
        } finally {
            lock.unlock();
        }
    }

    /** Takes a task, with an epoch of its own, before anybody else does. */
    private Optional<Document> take(Bson filter, String who) {
        Document before = tasks.findOneAndUpdate(
                filter,
                Updates.combine(
                        Updates.inc("epoch", 1),
                        Updates.set("state", "running"),
                        Updates.set("worker", who),
                        Updates.set("leaseUntil", Date.from(clock.instant().plus(lease)))));
        if (before == null) {
            return Optional.empty();
        }
        return Optional.of(before.append("epoch", before.getInteger("epoch") + 1));
    }

    /** The next task of one of these types, for a worker; its epoch is the new one. */
    Optional<Document> claim(Collection<String> types, String worker) {
        Instant now = clock.instant();
        Document before = tasks.findOneAndUpdate(
                Filters.and(Filters.eq("state", "queued"), Filters.in("type", types)),
                Updates.combine(
                        Updates.inc("epoch", 1),
                        Updates.inc("attempts", 1),
                        Updates.set("state", "running"),
                        Updates.set("worker", worker),
                        Updates.set("started", Date.from(now)),
                        Updates.set("leaseUntil", Date.from(now.plus(lease)))),
                new FindOneAndUpdateOptions().sort(Sorts.ascending("created")).returnDocument(ReturnDocument.BEFORE));
        if (before == null) {
            return Optional.empty();
        }
        return Optional.of(before.append("epoch", before.getInteger("epoch") + 1));
    }

    /** Ends a task that was taken from a worker or from the queue, or queues it again. */
    private void settle(Document taken) {
        String id = taken.getString("_id");
        int epoch = taken.getInteger("epoch");
        EventStream stream = store.open(id);
        try {
            if (stream.end().isEmpty()) {
                // Opening the writer fences whoever had the task: what it has not emitted by now it never will.
                EventAppender writer = store.appender(id, epoch);
                boolean untouched = isUntouched(stream);
                if (taken.getBoolean("cancel", false)) {
                    writer.end(End.cancelled());
                } else if (untouched && taken.getInteger("attempts") < maxAttempts) {
                    logger.info("task {} lost its worker before it had begun, and is queued again", id);
                    requeue(id, epoch);
                    return;
                } else {
                    logger.warn("task {} lost its worker", id);
                    writer.end(End.failed(
                            new Problem(503, "worker_lost", "The worker was lost before the task was done.")));
                }
            }
        } catch (StaleWriterException e) {
            // Its end was written in between; or somebody else has it, whose word will count.
            logger.debug("task {} has gone on by itself", id, e);
        }
        noteEnd(id, epoch);
    }

    private static boolean isUntouched(EventStream stream) {
        try {
            return stream.read(EventStream.BEGINNING, 1).events().isEmpty();
        } catch (ProblemException e) {
            logger.debug("the beginning of stream {} is no longer kept", stream.id(), e);
            return false;
        }
    }

    /** Queues a task again that its worker has not touched, which is no attempt then; or cancels it, if that is wanted. */
    void handBack(String id, int epoch) {
        tasks.updateOne(
                Filters.and(Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                Updates.inc("attempts", -1));
        requeue(id, epoch);
    }

    void requeue(String id, int epoch) {
        tasks.updateOne(
                Filters.and(Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                Updates.combine(Updates.set("state", "queued"), Updates.unset("worker"), Updates.unset("leaseUntil")));
        // A cancellation that came while it ran, and that nobody has acted on.
        take(Filters.and(Filters.eq(id), Filters.eq("state", "queued"), Filters.eq("cancel", true)), "canceller")
                .ifPresent(this::settle);
    }

    /** Lets the state follow the stream, if that has ended; does nothing if the task is in other hands. */
    void noteEnd(String id, int epoch) {
        Optional<End> end = store.open(id).end();
        if (end.isEmpty()) {
            return;
        }
        String state = end.get() instanceof End.Completed
                ? "completed"
                : end.get() instanceof End.Failed ? "failed" : "cancelled";
        Instant now = clock.instant();
        tasks.updateOne(
                Filters.and(Filters.eq(id), Filters.eq("epoch", epoch)),
                Updates.combine(
                        Updates.set("state", state),
                        Updates.set("ended", Date.from(now)),
                        Updates.set("expireAt", Date.from(now.plus(retention))),
                        Updates.unset("payload"),
                        Updates.unset("leaseUntil")));
    }

    /** Renews the leases of a worker, and returns which of these tasks are still its own, and which are to be cancelled. */
    Map<String, Boolean> renew(Map<String, Integer> epochs, String worker) {
        Date until = Date.from(clock.instant().plus(lease));
        tasks.updateMany(
                Filters.and(
                        Filters.in("_id", epochs.keySet()),
                        Filters.eq("worker", worker),
                        Filters.eq("state", "running")),
                Updates.set("leaseUntil", until));
        return look(epochs, worker);
    }

    /** Which of these tasks are still the worker's, and whether they are to be cancelled. */
    Map<String, Boolean> look(Map<String, Integer> epochs, String worker) {
        Map<String, Boolean> own = new HashMap<>();
        tasks.find(Filters.and(
                        Filters.in("_id", epochs.keySet()),
                        Filters.eq("worker", worker),
                        Filters.eq("state", "running")))
                .projection(Projections.include("epoch", "cancel"))
                .forEach(d -> {
                    if (Objects.equals(epochs.get(d.getString("_id")), d.getInteger("epoch"))) {
                        own.put(d.getString("_id"), d.getBoolean("cancel", false));
                    }
                });
        return own;
    }

    MongoEventStore store() {
        return store;
    }

    Duration lease() {
        return lease;
    }

    Ticker ticker() {
        return ticker;
    }

    private static <T> T reaching(Supplier<T> operation) {
        try {
            return operation.get();
        } catch (MongoException e) {
            throw new ProblemException(
                    new Problem(503, "store_unreachable", "The task store cannot be reached at the moment."), e);
        }
    }

    /** The settings of a queue. All servers should have the same. */
    public static final class Builder {

        private final MongoDatabase database;
        private final MongoEventStore store;
        private final Executor executor;
        private final Collection<String> types;
        private Clock clock = Clock.systemUTC();
        private Ticker ticker = Ticker.system();
        private Duration retention = Duration.ofHours(24);
        private Duration lease = Duration.ofSeconds(10);
        private Duration sweepInterval = Duration.ofSeconds(2);
        private int maxAttempts = 3;
        private @Nullable Duration cancelUnattendedAfter;

        private Builder(MongoDatabase database, MongoEventStore store, Executor executor, Collection<String> types) {
            this.database = database;
            this.store = store;
            this.executor = executor;
            this.types = types;
        }

        /** Sets the clock for the times in documents, leases among them; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets the ticker that measures when something is due in this process; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** How long the status of a task is kept after its end; 24 hours by default. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /** How long a worker may be silent before its tasks are taken from it; 10 seconds by default. */
        public Builder lease(Duration lease) {
            this.lease = Durations.requirePositive("lease", lease);
            return this;
        }

        /** How often each process looks for lost tasks; 2 seconds by default. */
        public Builder sweepInterval(Duration sweepInterval) {
            this.sweepInterval = Durations.requirePositive("sweepInterval", sweepInterval);
            return this;
        }

        /** How often a task is begun that loses its worker before it has emitted anything; 3 by default. */
        public Builder maxAttempts(int maxAttempts) {
            if (maxAttempts < 1) {
                throw new IllegalArgumentException("maxAttempts is not positive: " + maxAttempts);
            }
            this.maxAttempts = maxAttempts;
            return this;
        }

        /**
         * Cancels a task whose stream has had no reader for this long; by default no task is cancelled. The sweep
         * cancels it up to a quarter of this time late, because servers record readers only once in a quarter of it. A
         * process that could not sweep for some time, or whose clock was set, begins to wait again.
         */
        public Builder cancelUnattendedAfter(Duration limit) {
            this.cancelUnattendedAfter = Durations.requirePositive("cancelUnattendedAfter", limit);
            return this;
        }

        /**
         * The queue.
         *
         * @throws IllegalArgumentException if the executor is that of the store, if tasks are kept for longer than streams, or
         *     if {@link #cancelUnattendedAfter} is less than three times the interval of the sweep
         */
        public MongoTaskQueue build() {
            return new MongoTaskQueue(this);
        }
    }
}
