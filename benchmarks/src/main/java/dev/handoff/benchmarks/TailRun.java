// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import dev.handoff.format.StreamFormat;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Writes many streams to a MongoDB while a streaming server with a small heap delivers each of them to a reader, and checks each reader.
 * Starts this streaming server itself.
 */
@Command(
        name = "tail",
        description = {
            "Tails many streams of a MongoDB at the same time, by a streaming server with a small heap.",
            "Writes N streams of S bytes into the database \"storm\" of the MongoDB at --uri, while a server process that this",
            "command starts delivers each stream to one HTTP reader. Checks that each reader gets exactly its events, in order, to",
            "the end. Exits with 0 if all did, else with 1. The documents stay in the database and expire after an hour."
        })
final class TailRun implements Callable<Integer> {

    private static final long MEGABYTE = 1 << 20;
    private static final int SHOWN_FAILURES = 20;
    private static final int REPORT_SECONDS = 5;
    private static final String SECRET = "not a secret: only the storm tool seals with this";

    @Option(names = "--uri", required = true, description = "The MongoDB, for example mongodb://127.0.0.1:27017.")
    private String uri = "";

    @Option(
            names = "--streams",
            defaultValue = "2000",
            description = "Streams and readers (default: ${DEFAULT-VALUE}).")
    private int streams;

    @Option(
            names = "--bytes",
            defaultValue = "1000000",
            description = "Bytes of each stream (default: ${DEFAULT-VALUE}).")
    private int bytes;

    @Option(
            names = "--event-bytes",
            defaultValue = "200",
            description = "Bytes of each event (default: ${DEFAULT-VALUE}).")
    private int eventBytes;

    @Option(names = "--writers", defaultValue = "8", description = "Threads that write (default: ${DEFAULT-VALUE}).")
    private int writers;

    @Option(
            names = "--server-heap",
            defaultValue = "128m",
            description = "-Xmx of the server (default: ${DEFAULT-VALUE}).")
    private String heap = "";

    @Option(
            names = "--timeout",
            defaultValue = "3600",
            description = "Seconds after which the run stops (default: ${DEFAULT-VALUE}).")
    private int timeout;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final AtomicLong written = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicInteger answered = new AtomicInteger();

    @Override
    public Integer call() throws Exception {
        if (streams < 1 || writers < 1 || eventBytes < TailStream.LEAST_EVENT_BYTES || bytes < eventBytes) {
            throw new IllegalArgumentException("streams and writers must be positive, events need at least "
                    + TailStream.LEAST_EVENT_BYTES + " bytes, and a stream has at least one event");
        }
        int events = bytes / eventBytes;
        say(
                "tail: %d streams of %d events of %d bytes, %d writers, server with -Xmx%s",
                streams, events, eventBytes, writers, heap);
        ScheduledExecutorService storeThreads = Executors.newScheduledThreadPool(4);
        ExecutorService queueThreads = Executors.newFixedThreadPool(2);
        ExecutorService writing = Executors.newFixedThreadPool(writers);
        try (MongoClient client = MongoClients.create(uri);
                TailServer server = TailServer.start(uri, SECRET, heap)) {
            MongoDatabase database = client.getDatabase("storm");
            MongoIndexes.create(database);
            MongoEventStore store =
                    MongoEventStore.builder(database, storeThreads).build();
            MongoTaskQueue queue = MongoTaskQueue.builder(database, store, queueThreads, List.of(Storm.TASK_TYPE))
                    .build();
            List<TailStream> all = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                // No worker runs this task. It exists because the server delivers a stream only if its task is known.
                Task task = Task.of(Storm.TASK_TYPE, "");
                queue.dispatch(task);
                all.add(new TailStream(task.id(), events, eventBytes));
            }
            long began = System.nanoTime();
            List<TailReader> readers = open(all, server);
            List<Future<?>> writes = new ArrayList<>();
            for (int i = 0; i < writers; i++) {
                List<TailStream> share = share(all, i);
                writes.add(writing.submit(() -> write(store, share)));
            }
            boolean inTime = await(readers, writes, server, began);
            return report(readers, writes, server, inTime, seconds(began));
        } finally {
            writing.shutdownNow();
            queueThreads.shutdownNow();
            storeThreads.shutdownNow();
        }
    }

    private List<TailStream> share(List<TailStream> all, int writer) {
        List<TailStream> share = new ArrayList<>();
        for (int i = writer; i < all.size(); i += writers) {
            share.add(all.get(i));
        }
        return share;
    }

    private List<TailReader> open(List<TailStream> all, TailServer server) {
        TokenSealer sealer = TokenSealer.of(SECRET);
        HttpClient http =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        List<TailReader> readers = new ArrayList<>();
        for (TailStream stream : all) {
            String token = sealer.seal(new Grant(
                    stream.id(),
                    Set.of(Grant.Right.READ),
                    StreamFormat.standard().name(),
                    null,
                    Instant.now().plus(Duration.ofDays(1))));
            TailReader reader = new TailReader(stream, received);
            readers.add(reader);
            HttpRequest request = HttpRequest.newBuilder(URI.create(server.url() + "/events/" + token))
                    .build();
            http.sendAsync(request, info -> {
                        answered.incrementAndGet();
                        if (info.statusCode() != 200) {
                            reader.failed("the server answered " + info.statusCode());
                        }
                        return HttpResponse.BodySubscribers.fromLineSubscriber(reader);
                    })
                    .exceptionally(e -> {
                        reader.failed("the request failed with " + e);
                        return null;
                    });
        }
        return readers;
    }

    /** Writes streams side by side, one event of each in turn, so that all of them grow until the end. */
    private void write(MongoEventStore store, List<TailStream> share) {
        List<EventAppender> appenders =
                share.stream().map(s -> store.appender(s.id(), 1)).toList();
        for (int number = 0; number < bytes / eventBytes; number++) {
            for (int i = 0; i < share.size(); i++) {
                appenders.get(i).append(null, share.get(i).event(number));
                written.addAndGet(eventBytes);
            }
        }
        appenders.forEach(a -> a.end(End.completed(null)));
    }

    /**
     * Waits until all readers are done, and prints a line about the progress every 5 s. Returns false if the time is over, the server has
     * ended or a writer has failed.
     */
    private boolean await(List<TailReader> readers, List<Future<?>> writes, TailServer server, long began)
            throws Exception {
        long lastReport = 0;
        while (readers.stream().anyMatch(r -> !r.outcome().isDone())) {
            boolean writersFailed = writes.stream().anyMatch(TailRun::hasFailed);
            if (seconds(began) > timeout || !server.isAlive() || writersFailed) {
                return false;
            }
            if (seconds(began) - lastReport >= REPORT_SECONDS) {
                lastReport = (long) seconds(began);
                server.sample();
                long done = readers.stream().filter(r -> r.outcome().isDone()).count();
                say(
                        "%6.0f s: %d readers answered, %d MB written, %d MB received, %d readers done, "
                                + "server peak RSS %d MB, peak heap %d MB",
                        seconds(began),
                        answered.get(),
                        written.get() / MEGABYTE,
                        received.get() / MEGABYTE,
                        done,
                        server.peakResidentBytes() / MEGABYTE,
                        server.peakHeapBytes() / MEGABYTE);
            }
            Thread.sleep(100);
        }
        return true;
    }

    private static boolean hasFailed(Future<?> write) {
        if (write.isDone()) {
            try {
                write.get();
            } catch (Exception e) {
                return true;
            }
        }
        return false;
    }

    private int report(
            List<TailReader> readers, List<Future<?>> writes, TailServer server, boolean inTime, double seconds)
            throws Exception {
        List<String> failures = new ArrayList<>();
        for (TailReader reader : readers) {
            if (!reader.outcome().isDone()) {
                reader.failed(inTime ? "it is not done" : "it was not done when the run stopped");
            }
            String failure = reader.outcome().get();
            if (failure != null) {
                failures.add(failure);
            }
        }
        for (Future<?> write : writes) {
            if (hasFailed(write)) {
                failures.add("a writer failed");
            }
        }
        boolean alive = server.isAlive();
        if (!alive) {
            failures.add("the streaming server has ended, perhaps because it had no memory; see its output");
        }
        say("duration                         %.1f s", seconds);
        say("written / received               %d / %d bytes", written.get(), received.get());
        say("expected                         %d bytes", (long) streams * (bytes / eventBytes) * eventBytes);
        if (alive) {
            server.sample();
            say("peak RSS of the server           %d MB", server.peakResidentBytes() / MEGABYTE);
            say(
                    "peak heap of the server          %d MB used, of -Xmx%s, sampled each %d s",
                    server.peakHeapBytes() / MEGABYTE, heap, REPORT_SECONDS);
            say("live heap of the server at last  %d MB", server.liveHeapBytes() / MEGABYTE);
        }
        say("warnings and errors of the server %d, in %s", server.complaints(), server.log());
        say("failures                         %d", failures.size());
        failures.stream().limit(SHOWN_FAILURES).forEach(f -> say("  %s", f));
        say(failures.isEmpty() ? "PASSED: each reader got exactly its events, in order, to the end" : "FAILED");
        return failures.isEmpty() ? 0 : 1;
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private void say(String format, Object... values) {
        PrintWriter out = Objects.requireNonNull(spec.commandLine().getOut());
        out.printf(format + "%n", values);
        out.flush();
    }
}
