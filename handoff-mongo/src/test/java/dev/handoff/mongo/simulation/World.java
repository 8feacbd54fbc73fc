// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A deployment in one simulation: workers, sweepers, streaming servers, an application that dispatches, readers, and a replica set. There are
 * faults for some time. After that everything has to end within a time.
 */
final class World {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long WALL_CLOCKS_DIFFER_MILLIS = TimeUnit.HOURS.toMillis(30);
    private static final long ATTENDED_EVERY_NANOS = SECOND;

    private final Simulation simulation;
    private final WorldSettings settings;
    private final Deployment deployment;
    private final Flaw flaw;
    private final SimulatedCluster cluster;
    private final Checker checker;
    private final List<Member> workers = new ArrayList<>();
    private final List<Member> servers = new ArrayList<>();
    private final List<Member> sweepers = new ArrayList<>();
    private final Map<String, Member> members = new LinkedHashMap<>();
    private final Map<String, Long> lastAttended = new HashMap<>();
    private final Set<Member> stopped = new HashSet<>();
    private final List<Reader> readers = new ArrayList<>();
    private final List<Writer> writers = new ArrayList<>();
    private final Map<String, Long> operations = new TreeMap<>();
    private final Tasks tasks;
    private int started;
    private long noisyUntil;

    /** @param flaw what is taken out of the code under test */
    World(Simulation simulation, WorldSettings settings, Deployment deployment, Flaw flaw) {
        this.simulation = simulation;
        this.settings = settings;
        this.deployment = deployment;
        this.flaw = flaw;
        this.cluster = new SimulatedCluster(simulation, settings.cluster);
        this.checker = new Checker(simulation, settings.cluster.majorityWrites);
        cluster.onCommit(checker::committed);
        this.tasks = new Tasks(this);
        for (int i = 0; i < settings.workers; i++) {
            startWorker();
        }
        for (int i = 0; i < settings.sweepers; i++) {
            startSweeper();
        }
        for (int i = 0; i < settings.servers; i++) {
            startServer();
        }
        for (int i = 0; i < settings.writers; i++) {
            startWriter();
        }
        tasks.start();
        simulation.schedule(SECOND, this::countOperations);
    }

    Simulation simulation() {
        return simulation;
    }

    WorldSettings settings() {
        return settings;
    }

    SimulatedCluster cluster() {
        return cluster;
    }

    Checker checker() {
        return checker;
    }

    Tasks tasks() {
        return tasks;
    }

    /** Returns whether single operations fail now, or have failed lately. */
    boolean isNoisy() {
        return simulation.now() < noisyUntil;
    }

    void setNoisyFor(long nanos) {
        noisyUntil = simulation.now() + nanos;
    }

    /** Returns whether acknowledged events are never lost. */
    boolean isDurable() {
        return settings.cluster.majorityWrites;
    }

    // Processes

    private Member start(String role) {
        // Clocks of machines run a little differently.
        double rate = 1 + (simulation.random().nextDouble() - 0.5) / 500;
        SimulatedProcess process = new SimulatedProcess(simulation, role + started++, rate);
        // Nothing may depend on this.
        process.stepWallClock(simulation.between(-WALL_CLOCKS_DIFFER_MILLIS, WALL_CLOCKS_DIFFER_MILLIS));
        Database database = flaw.apply(this, process, cluster.connect(process));
        Member member = new Member(process, deployment.start(process, database, settings));
        members.put(member.name(), member);
        return member;
    }

    void startWorker() {
        Member worker = start("worker");
        workers.add(worker);
        worker.parts().startWorker(tasks.handlerAt(worker), settings.maxRunning);
    }

    void startSweeper() {
        Member sweeper = start("sweeper");
        sweepers.add(sweeper);
        attend(sweeper);
    }

    void startServer() {
        Member server = start("server");
        servers.add(server);
        attend(server);
        if (settings.feed) {
            new SimulatedFeed(cluster, server.process(), server.parts().tail()).start();
        }
    }

    /** Starts a process that only dispatches. */
    Member startApplication() {
        return start("application");
    }

    private void attend(Member member) {
        member.process().spawn("reportReaders", () -> {
            while (true) {
                List<String> open = servers.contains(member) ? openStreams() : List.of();
                open.forEach(s -> lastAttended.put(s, simulation.now()));
                member.parts().queue().reportReaders(open);
                member.process().sleep(Math.min(ATTENDED_EVERY_NANOS, settings.sweepInterval.toNanos()));
            }
        });
    }

    /** Returns whether servers have not named a stream as one with readers for a while, so that its task may be cancelled. */
    boolean isUnattended(String stream) {
        Duration limit = settings.cancelUnattendedAfter;
        return limit != null && simulation.now() - lastAttended.getOrDefault(stream, 0L) > limit.toNanos() / 4 * 3;
    }

    private List<String> openStreams() {
        return readers.stream().filter(r -> !r.isDone()).map(Reader::stream).toList();
    }

    /** Returns the process that has a name, also if it is dead. */
    @Nullable
    Member member(String name) {
        return members.get(name);
    }

    List<Member> live() {
        return members.values().stream().filter(m -> !m.process().isDead()).toList();
    }

    Member anyWorker() {
        return any(workers);
    }

    Member anyServer() {
        return any(servers);
    }

    /** Returns a process that seems to be there: it may be paused. */
    private Member any(List<Member> all) {
        List<Member> live = all.stream().filter(m -> !m.process().isDead()).toList();
        return live.get((int) simulation.between(0, live.size() - 1L));
    }

    /** Kills a process, and starts another one of its kind. */
    void kill(Member member) {
        if (member.process().isDead()) {
            return;
        }
        simulation.note("%s is killed", member.name());
        member.process().kill();
        tasks.ownerKilled(member);
        if (workers.contains(member)) {
            startWorker();
        } else if (servers.contains(member)) {
            startServer();
            // Clients see that the connection is gone.
            readers.stream().filter(r -> r.isConnectedTo(member)).toList().forEach(Reader::connect);
        } else if (sweepers.contains(member)) {
            startSweeper();
        }
        writers.stream().filter(w -> w.isAt(member)).toList().forEach(Writer::takeOver);
    }

    /** Stops a worker as its operator does, and kills it when it has stopped. */
    void stop(Member worker, long nanos) {
        simulation.note("%s is stopped", worker.name());
        stopped.add(worker);
        worker.process().spawn("stop", () -> {
            worker.parts().stopWorker(Duration.ofNanos(nanos));
            simulation.schedule(0, () -> kill(worker));
        });
    }

    /** Returns whether a worker was told to stop, so that it may give its tasks back. */
    boolean isStopped(Member member) {
        return stopped.contains(member);
    }

    /** Pauses a process for a time. Others take its streams over meanwhile. */
    void pause(Member member, long nanos) {
        simulation.note("%s is paused", member.name());
        member.process().pause();
        member.beginImpairment();
        simulation.schedule(nanos, () -> {
            simulation.note("%s goes on", member.name());
            member.process().goOn();
            member.endImpairment();
        });
        if (nanos > settings.lease.toNanos()) {
            simulation.schedule(
                    settings.lease.toNanos(),
                    () -> writers.stream().filter(w -> w.isAt(member)).toList().forEach(Writer::takeOver));
        }
    }

    /** Cuts a process off from the database for a time. */
    void cut(Member member, long nanos) {
        simulation.note("%s is cut off", member.name());
        for (int i = 0; i < SimulatedCluster.MEMBERS; i++) {
            cluster.network().cut(member.process(), i, true);
        }
        member.beginImpairment();
        simulation.schedule(nanos, () -> {
            simulation.note("%s is connected again", member.name());
            for (int i = 0; i < SimulatedCluster.MEMBERS; i++) {
                cluster.network().cut(member.process(), i, false);
            }
            member.endImpairment();
        });
    }

    // Streams

    private void startWriter() {
        Writer writer = new Writer(this, hexId(), (int) simulation.between(1, 40));
        writers.add(writer);
        simulation.schedule(simulation.between(0, settings.lease.toNanos()), writer::takeOver);
        startReaders(writer.stream(), null);
    }

    void startReaders(String stream, @Nullable String source) {
        for (int i = 0; i < settings.readersPerStream; i++) {
            Reader reader = new Reader(this, "reader" + readers.size(), stream, source);
            readers.add(reader);
            simulation.schedule(simulation.between(0, 2 * settings.lease.toNanos()), reader::connect);
        }
    }

    /** Returns an id of a stream that only the seed decides. */
    String hexId() {
        return String.format(
                "%016x%016x",
                simulation.random().nextLong(), simulation.random().nextLong());
    }

    // The course of things

    /** Runs to the end, or until a rule does not hold. */
    void run() {
        Nemesis nemesis = new Nemesis(this);
        nemesis.start();
        long faultsEnd = settings.faultsFor.toNanos();
        simulation.run(() -> simulation.now() >= faultsEnd);
        simulation.note("the faults end");
        nemesis.end();
        long deadline = simulation.now() + settings.settledWithin.toNanos();
        simulation.run(() -> simulation.now() >= deadline || isSettled());
        if (simulation.violation() == null && !isSettled()) {
            simulation.fail(
                    "liveness",
                    "not settled within " + settings.settledWithin.toSeconds() + " s after the faults: "
                            + Stream.of(
                                            readers.stream().filter(r -> !r.isSettled()),
                                            writers.stream().filter(w -> !w.isDone()),
                                            tasks.unsettled())
                                    .flatMap(s -> s)
                                    .map(Object::toString)
                                    .toList());
        }
    }

    private boolean isSettled() {
        return readers.stream().allMatch(Reader::isSettled)
                && writers.stream().allMatch(Writer::isDone)
                && tasks.areSettled();
    }

    private void countOperations() {
        for (Member member : members.values()) {
            long now = member.process().operations();
            long before = operations.getOrDefault(member.name(), 0L);
            operations.put(member.name(), now);
            if (now - before > settings.mostOperationsPerSecond) {
                simulation.fail("liveness", member + " has begun " + (now - before) + " operations within a second");
            }
        }
        simulation.schedule(SECOND, this::countOperations);
    }
}
