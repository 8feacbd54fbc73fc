// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.DatabaseException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One operation of one process: a request to the primary, its work there, and the answer. Each of them may get lost or take long. Work that has
 * been requested goes on when the process has given up, was killed or is paused.
 */
final class RemoteCall<T> {

    private static final long SELECTION_NANOS = 50_000_000L;

    /**
     * What a server answers.
     *
     * @param length the length of the log that a majority has to store before the answer; 0 for none
     * @param inDoubt the answer if the server cannot know whether a majority will store it; null for an error
     */
    record Answer<T>(
            @Nullable T value, int length, @Nullable T inDoubt) {

        static <T> Answer<T> now(T value) {
            return new Answer<>(value, 0, null);
        }
    }

    private final SimulatedCluster cluster;
    private final Simulation simulation;
    private final SimulatedProcess process;
    private final String name;
    private final Actor caller;
    private boolean done;
    private @Nullable T value;
    private @Nullable DatabaseException failure;
    private Simulation.@Nullable Event timeout;

    RemoteCall(SimulatedCluster cluster, SimulatedProcess process, String name) {
        this.cluster = cluster;
        this.simulation = cluster.simulation();
        this.process = process;
        this.name = name;
        this.caller = simulation.current();
    }

    /** Returns the answer to the work that was requested from a server. Blocks. */
    T await(Replica server, Function<Replica, Answer<T>> work) {
        caller.requireAlive();
        FaultRates faults = cluster.faults();
        long limit = process.toVirtual(cluster.settings().timeout.toNanos());
        timeout = simulation.schedule(limit, process, () -> fail("no answer in time"));
        if (cluster.network().isCut(process, server) || simulation.chance(faults.lostRequest)) {
            noticeLoss(0);
        } else {
            simulation.schedule(delay(), () -> cluster.whenThawed(() -> arrive(server, work)));
        }
        simulation.suspend();
        if (failure != null) {
            throw failure;
        }
        if (value == null) {
            throw new IllegalStateException("an answer without a value to " + name);
        }
        return value;
    }

    private void arrive(Replica server, Function<Replica, Answer<T>> work) {
        if (!server.isUp()) {
            noticeLoss(0);
            return;
        }
        if (!server.isServing()) {
            answer(server, () -> fail("10107: not primary"));
            return;
        }
        if (simulation.chance(cluster.faults().transientError)) {
            answer(server, () -> fail("262: exceeded time limit"));
            return;
        }
        Answer<T> answer = work.apply(server);
        if (answer.length() == 0) {
            answer(server, () -> succeed(answer.value()));
        } else {
            server.await(
                    answer.length(),
                    committed -> answer(server, () -> {
                        if (committed) {
                            succeed(answer.value());
                        } else if (answer.inDoubt() != null) {
                            succeed(answer.inDoubt());
                        } else {
                            fail("11602: interrupted due to a change of the primary");
                        }
                    }));
        }
    }

    private void answer(Replica server, Runnable delivery) {
        if (!server.isUp()
                || cluster.network().isCut(process, server)
                || simulation.chance(cluster.faults().lostAnswer)) {
            noticeLoss(0);
        } else {
            simulation.schedule(delay(), () -> {
                // A server that was stopped or cut off meanwhile has its answer on the way all the same.
                if (cluster.network().isCut(process, server)) {
                    noticeLoss(0);
                } else {
                    delivery.run();
                }
            });
        }
    }

    /** The client may see at once that the connection is gone, or only wait in vain. */
    private void noticeLoss(long after) {
        if (simulation.chance(0.5)) {
            simulation.schedule(after + delay(), () -> fail("the connection was closed"));
        }
    }

    private long delay() {
        long base = cluster.latency();
        return simulation.chance(cluster.faults().delay)
                ? simulation.spread(base, Math.max(base + 1, cluster.faults().longestDelayNanos))
                : base;
    }

    private void succeed(@Nullable T answer) {
        if (!done) {
            value = answer;
            finish();
        }
    }

    private void fail(String message) {
        if (!done) {
            failure = DatabaseException.unknown(name + ": " + message, null);
            finish();
        }
    }

    private void finish() {
        done = true;
        if (timeout != null) {
            timeout.cancel();
        }
        simulation.resume(caller, 0);
    }

    /** Returns the primary as this process knows it. Waits for one, at most for the time of an operation. */
    static Replica select(SimulatedCluster cluster, SimulatedProcess process, String name, long leastTerm) {
        Simulation simulation = cluster.simulation();
        simulation.current().requireAlive();
        long deadline =
                simulation.now() + process.toVirtual(cluster.settings().timeout.toNanos());
        while (true) {
            Replica found = null;
            for (Replica replica : cluster.replicas()) {
                if (replica.isServing()
                        && replica.term() >= leastTerm
                        && !cluster.network().isCut(process, replica)
                        && (found == null || replica.term() > found.term())) {
                    found = replica;
                }
            }
            if (found != null) {
                return found;
            }
            if (simulation.now() >= deadline) {
                throw DatabaseException.unknown(name + ": no primary could be reached", null);
            }
            simulation.sleep(SELECTION_NANOS);
        }
    }
}
