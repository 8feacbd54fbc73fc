// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.stream.End;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The tasks of a world: who dispatches them, and whether they end as they should. Checks R10 and R11. */
final class Tasks {

    /** What the owner of a task that a process takes over has at the end of its name. */
    static final String TAKEOVER = "-takeover";

    private static final long LITTLE_MORE_NANOS = 500_000_000L;

    private final World world;
    private final Simulation simulation;
    private final List<Request> requests = new ArrayList<>();
    private final Map<String, Request> byName = new HashMap<>();
    /** The requests whose tasks are or were in the database, by the id of the task. */
    private final Map<String, Request> current = new HashMap<>();
    /** The requests whose worker was not all right at some time. */
    private final Set<Request> excused = new HashSet<>();

    Tasks(World world) {
        this.world = world;
        this.simulation = world.simulation();
    }

    void start() {
        world.checker().onTaskChange(this::changed);
        world.checker().onEnd(this::ended);
        Member[] application = {world.startApplication()};
        long span = Math.min(
                world.settings().faultsFor.toNanos(), 3 * world.settings().lease.toNanos());
        for (int i = 0; i < world.settings().tasks; i++) {
            Request request = new Request(world, "task" + i, simulation.chance(0.7) ? "key" + i : null);
            add(request);
            long at = simulation.between(0, span);
            int times = simulation.chance(0.3) ? 2 : 1;
            for (int j = 0; j < times; j++) {
                simulation.schedule(at + simulation.between(0, 1_000_000), () -> dispatch(request, application));
            }
            if (world.settings().reusesKeys && request.isKeyed()) {
                Request reused = request.reused();
                add(reused);
                long kept = world.settings().cluster.eventRetention.toNanos();
                simulation.schedule(at + simulation.between(kept / 2, 2 * kept), () -> dispatch(reused, application));
            }
            if (simulation.chance(0.2)) {
                simulation.schedule(
                        at + simulation.between(0, span),
                        () -> live(application).process().spawn("cancel", () -> request.cancel(application[0])));
            }
        }
    }

    private void add(Request request) {
        requests.add(request);
        byName.put(request.name(), request);
    }

    private Member live(Member[] application) {
        if (application[0].process().isDead()) {
            application[0] = world.startApplication();
        }
        return application[0];
    }

    /** A client whose server is gone sends its request again, if it has a key. */
    private void dispatch(Request request, Member[] application) {
        Member at = live(application);
        at.process().spawn("dispatch", () -> request.dispatch(at));
        watch(request, application, at);
    }

    private void watch(Request request, Member[] application, Member at) {
        simulation.schedule(world.settings().lease.toNanos() / 2, () -> {
            if (request.isAccepted() || request.isSettled()) {
                return;
            }
            if (at.process().isDead()) {
                dispatch(request, application);
            } else {
                watch(request, application, at);
            }
        });
    }

    TaskHandler handlerAt(Member worker) {
        return (task, output) -> {
            Request request = Objects.requireNonNull(byName.get(task.payload()));
            request.handle(worker, output);
        };
    }

    /** A dispatch may fail only if the application could not reach the store for long, and that does not happen here. */
    void refused(Request request, Member application) {
        if (!application.isImpaired()) {
            simulation.fail("R10", request + " is refused although the store was not away for so long");
        }
    }

    /** R11: if nothing else goes wrong, the tasks of a dead worker are taken within a lease, two sweeps and a little more. */
    void ownerKilled(Member member) {
        WorldSettings settings = world.settings();
        if (!settings.calmStore || settings.noisy || settings.faults > 1) {
            return;
        }
        List<HeldTask> held = world.checker()
                .truth()
                .tasks(t -> t.isIn(State.RUNNING) && member.name().equals(t.owner()))
                .map(Documents.TaskDocument::held)
                .toList();
        long within = settings.lease.toNanos() + 2 * settings.sweepInterval.toNanos() + LITTLE_MORE_NANOS;
        simulation.schedule(within, () -> {
            for (HeldTask each : held) {
                Documents.TaskDocument task = world.checker().truth().task(each.id());
                if (task != null && task.held().equals(each)) {
                    simulation.fail("R11", each + " is still held by a worker that was killed");
                }
            }
        });
    }

    private void changed(Documents.@Nullable TaskDocument before, Documents.TaskDocument after) {
        String id = after.task().id();
        if (before == null) {
            current.put(id, Objects.requireNonNull(byName.get(after.task().payload())));
        }
        Request request = Objects.requireNonNull(current.get(id));
        if (!after.isOpen()) {
            request.settle();
        }
        String owner = before == null || !before.isIn(State.RUNNING) ? null : before.owner();
        if (before == null
                || owner == null
                || after.task().epoch() <= before.task().epoch()) {
            return;
        }
        Member from = world.member(ownerProcess(owner));
        Member to = world.member(ownerProcess(String.valueOf(after.owner())));
        if (from == to || from == null || owner.endsWith(TAKEOVER)) {
            excused.add(request);
            return;
        }
        if (isExcused(from)) {
            excused.add(request);
        } else {
            simulation.fail("R11", from + " is all right and loses " + request + " to " + after.owner());
        }
    }

    private static String ownerProcess(String owner) {
        return owner.endsWith(TAKEOVER) ? owner.substring(0, owner.length() - TAKEOVER.length()) : owner;
    }

    private boolean isExcused(Member member) {
        long lease = world.settings().lease.toNanos();
        return world.isNoisy() || world.isStopped(member) || member.impairedWithin(2 * lease) > lease / 4;
    }

    /** R11: a task ends as its handler says, unless it was cancelled or its worker had trouble. */
    private void ended(EventBatch batch, End end, int events) {
        Request request = current.get(batch.stream());
        if (request == null || end instanceof End.Cancelled) {
            if (request != null && !request.isBeingCancelled() && !world.isUnattended(request.id())) {
                simulation.fail("R11", request + " was not cancelled and ends so");
            }
            return;
        }
        boolean own = request.isOwnEnd(end);
        if (own && events != request.events() && world.isDurable()) {
            simulation.fail("R4", request + " ends with " + events + " of " + request.events() + " events");
        }
        if (!own && !excused.contains(request) && !request.isBeingCancelled() && !isAtStoppedWorker(request)) {
            simulation.fail("R11", request + " ends with " + end + ", and its worker was all right");
        }
    }

    private boolean isAtStoppedWorker(Request request) {
        Documents.TaskDocument task = world.checker().truth().task(request.id());
        Member owner = task == null ? null : world.member(String.valueOf(task.owner()));
        return owner != null && world.isStopped(owner);
    }

    boolean areSettled() {
        return unsettled().findAny().isEmpty();
    }

    /** Returns the tasks that have not ended, in the words of a report. */
    Stream<String> unsettled() {
        return requests.stream().filter(r -> !r.isSettled()).map(r -> {
            Documents.TaskDocument task = world.checker().truth().task(r.id());
            return r + " is " + (task == null ? "not known" : task.held().toString());
        });
    }
}
