// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** A request of a client: the task that it dispatches until it is accepted, and what the handler of that does. */
final class Request {

    private static final long RETRY_NANOS = 300_000_000L;

    private final World world;
    private final String name;
    private final String id;
    private final @Nullable String key;
    private final boolean reuse;
    private final int events;
    private final long pause;
    private final boolean fails;
    private final boolean completes;
    private int runs;
    private boolean accepted;
    private boolean settled;
    private boolean beingCancelled;

    /**
     * A new request.
     *
     * @param key the idempotency key that the client sends, if it sends any
     */
    Request(World world, String name, @Nullable String key) {
        this(world, name, world.hexId(), key, false);
    }

    private Request(World world, String name, String id, @Nullable String key, boolean reuse) {
        Simulation simulation = world.simulation();
        this.world = world;
        this.name = name;
        this.id = id;
        this.key = key;
        this.reuse = reuse;
        this.events = (int) simulation.between(0, 25);
        this.pause = simulation.spread(100_000, world.settings().lease.toNanos() / Math.max(events, 4));
        this.fails = simulation.chance(0.15);
        this.completes = simulation.chance(0.5);
    }

    /** Returns another request with the same key, as a client with a fault sends it. */
    Request reused() {
        return new Request(world, name + "b", id, key, true);
    }

    String id() {
        return id;
    }

    boolean isReuse() {
        return reuse;
    }

    /** Returns whether nothing more happens to it. */
    boolean isSettled() {
        return settled;
    }

    void settle() {
        settled = true;
    }

    String name() {
        return name;
    }

    boolean isAccepted() {
        return accepted;
    }

    boolean isKeyed() {
        return key != null;
    }

    boolean isBeingCancelled() {
        return beingCancelled;
    }

    /** Returns what the events of this request begin with. */
    String source() {
        return name + '/';
    }

    private Task task() {
        return new Task(id, "chat", name, Map.of(), "subject", key, "standard", false);
    }

    /** Dispatches the task, again if that fails. A client has the same id only if it has sent a key. */
    void dispatch(Member application) {
        Simulation simulation = world.simulation();
        while (!accepted && !settled) {
            try {
                TaskStatus status = application.parts().queue().dispatch(task());
                simulation.note("%s is accepted as %s", name, status.state().name());
                if (!status.taskId().equals(id)) {
                    simulation.fail("R10", name + " is answered with another task");
                }
                accept();
            } catch (ProblemException e) {
                simulation.note("%s is refused: %s", name, e.problem().code());
                if (reuse && (e.problem().status() == 422 || e.problem().status() == 409)) {
                    settle();
                    return;
                }
                if (e.problem().status() != 503) {
                    simulation.fail("R10", name + " is refused: " + e.getMessage());
                }
                world.tasks().refused(this, application);
                if (key == null) {
                    // The client has no answer, and tries nothing more with this task.
                    settle();
                    return;
                }
                simulation.sleep(RETRY_NANOS);
            }
        }
    }

    private void accept() {
        if (!accepted) {
            accepted = true;
            if (world.isDurable() && world.checker().truth().task(id) == null) {
                world.simulation().fail("R4", name + " was accepted and is not stored");
            }
            world.startReaders(id, source());
        }
    }

    void cancel(Member application) {
        beingCancelled = true;
        try {
            boolean done = application.parts().queue().cancel(id);
            world.simulation().note("%s is cancelled: %s", name, done);
        } catch (ProblemException e) {
            // It may have been marked all the same.
            world.simulation()
                    .note("%s could not be cancelled: %s", name, e.problem().code());
        }
    }

    /** Does the work. */
    void handle(Member worker, TaskOutput output) {
        Simulation simulation = world.simulation();
        String source = source() + ++runs + '#';
        simulation.note("run %s of %s begins", runs, name);
        boolean[] woken = {false};
        if (simulation.chance(0.3)) {
            output.onCancel(() -> {
                woken[0] = true;
                if (simulation.chance(0.5)) {
                    output.emit("last", source + "last");
                }
            });
        }
        for (int i = 0; i < events; i++) {
            worker.process().sleep(pause);
            if (output.cancelled() || woken[0]) {
                simulation.note("run of %s stops", name);
                throw new CancellationException();
            }
            output.emit(source + i);
        }
        if (fails) {
            throw new ProblemException(500, "scripted", "The script says so.");
        }
        if (completes) {
            output.complete("result of " + name);
        }
    }

    /** Returns whether this is how the handler ends. */
    boolean isOwnEnd(End end) {
        if (end instanceof End.Failed failed) {
            Problem problem = failed.problem();
            return fails && problem.code().equals("scripted");
        }
        return end instanceof End.Completed completed
                && !fails
                && (completes ? ("result of " + name).equals(completed.result()) : completed.result() == null);
    }

    int events() {
        return events;
    }

    @Override
    public String toString() {
        return name + '=' + ServerOperations.shortened(id);
    }
}
