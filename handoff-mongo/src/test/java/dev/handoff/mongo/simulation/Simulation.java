// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs actors one at a time, in virtual time and in an order that only the seed decides.
 *
 * <p>An actor is code that blocks: in an operation on the database, for a lock or a condition, or for a time. Whenever it does, it hands the baton to
 * whatever is due next. Short code that does not block, such as what a server does with a request, runs as an action in the thread that
 * happens to hold the baton.
 */
final class Simulation {

    /** A test must not stand still if code waits for something that is not simulated. */
    private static final long LONGEST_REAL_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final long WAKE_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** Code that reacts to itself without a pause must not stop the clock. */
    private static final int MOST_EVENTS_AT_A_TIME = 10_000;

    private final long seed;
    private final SplittableRandom random;
    private final Trace trace;
    private final Carrier.Pool pool;
    private final Carrier mainCarrier;
    private final Actor main;
    private final PriorityQueue<Event> queue = new PriorityQueue<>();
    private final Set<Actor> actors = new LinkedHashSet<>();

    private Actor current;
    private long now;
    private long events;
    private long eventsNow;
    private long numbers;
    private boolean over;
    private @Nullable Violation violation;
    private BooleanSupplier until = () -> false;

    /** A rule that does not hold. */
    record Violation(String rule, String message) {}

    /** Something that is due at a time. */
    static final class Event implements Comparable<Event> {

        private long time;
        private final long order;
        private final long number;
        private final @Nullable SimulatedProcess process;
        private final @Nullable Actor actor;
        private final @Nullable Runnable action;
        private boolean cancelled;

        private Event(
                long time,
                long order,
                long number,
                @Nullable SimulatedProcess process,
                @Nullable Actor actor,
                @Nullable Runnable action) {
            this.time = time;
            this.order = order;
            this.number = number;
            this.process = process;
            this.actor = actor;
            this.action = action;
        }

        void cancel() {
            cancelled = true;
        }

        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(time, other.time);
            if (byTime != 0) {
                return byTime;
            }
            int byOrder = Long.compare(order, other.order);
            return byOrder != 0 ? byOrder : Long.compare(number, other.number);
        }
    }

    Simulation(long seed, Carrier.Pool pool, boolean printed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.trace = new Trace(printed);
        this.pool = pool;
        this.mainCarrier = pool.current();
        this.main = Actor.running(this, "main", mainCarrier);
        this.current = main;
    }

    long seed() {
        return seed;
    }

    SplittableRandom random() {
        return random;
    }

    Trace trace() {
        return trace;
    }

    /** Returns the virtual time since the start, in nanoseconds. */
    long now() {
        return now;
    }

    /** Returns how many events have been handled. */
    long events() {
        return events;
    }

    boolean isOver() {
        return over;
    }

    @Nullable
    Violation violation() {
        return violation;
    }

    Actor current() {
        return current;
    }

    /** Returns whether something happens that has this probability. */
    boolean chance(double probability) {
        return probability > 0 && random.nextDouble() < probability;
    }

    /** Returns a time between two, in nanoseconds. */
    long between(long least, long most) {
        return least >= most ? least : random.nextLong(least, most + 1);
    }

    /** Returns a time between two, where short times are as likely as long ones on a logarithmic scale. */
    long spread(long least, long most) {
        return (long) (least * Math.exp(random.nextDouble() * Math.log((double) most / least)));
    }

    void note(String format, @Nullable Object... arguments) {
        trace.add(now, current.name(), format, arguments);
    }

    /** Records that a rule does not hold, and ends the simulation. The first one counts. */
    void fail(String rule, String message) {
        if (violation == null && !over) {
            violation = new Violation(rule, message);
            trace.add(now, current.name(), "VIOLATION of %s: %s", rule, message);
        }
    }

    /** Starts an actor of a process after a time. */
    Actor spawn(String name, @Nullable SimulatedProcess process, long delay, Runnable body) {
        Actor actor = new Actor(this, name, process, body);
        actors.add(actor);
        add(delay, process, actor, null);
        return actor;
    }

    /** Runs an action after a time, on behalf of no process. */
    Event schedule(long delay, Runnable action) {
        return add(delay, null, null, action);
    }

    /** Runs an action of a process after a time: not before the process goes on if it is paused, and never if it is killed. */
    Event schedule(long delay, @Nullable SimulatedProcess process, Runnable action) {
        return add(delay, process, null, action);
    }

    /** Lets a suspended actor go on after a time. */
    Event resume(Actor actor, long delay) {
        return add(delay, actor.process(), actor, null);
    }

    private Event add(
            long delay, @Nullable SimulatedProcess process, @Nullable Actor actor, @Nullable Runnable action) {
        Event event =
                new Event(now + Math.max(0, delay), random.nextInt() & 0xffffL, numbers++, process, actor, action);
        queue.add(event);
        return event;
    }

    /** Puts an event of a process that was paused back. */
    void putBack(Event event) {
        event.time = Math.max(now, event.time);
        queue.add(event);
    }

    /** Suspends the current actor, until {@link #resume} lets it go on. */
    void suspend() {
        Actor self = current;
        self.requireAlive();
        Actor next = pick();
        if (next != self) {
            Carrier carrier = self.carrier();
            if (carrier == null) {
                throw new IllegalStateException("an actor without a thread");
            }
            pass(next);
            carrier.awaitBaton();
            current = self;
        }
        self.requireAlive();
    }

    private void pass(Actor next) {
        Carrier carrier = next.carrier();
        if (carrier == null) {
            pool.start(next);
        } else {
            carrier.passBaton();
        }
    }

    /** Suspends the current actor for a time. */
    void sleep(long nanos) {
        resume(current, nanos);
        suspend();
    }

    /** Lets others go on that are due now. */
    void yieldNow() {
        sleep(0);
    }

    /** Handles what is due, until an actor has to go on, and returns that. */
    Actor pick() {
        if (over) {
            current = main;
            return main;
        }
        while (violation == null && !until.getAsBoolean()) {
            Event event = queue.poll();
            if (event == null) {
                break;
            }
            if (event.cancelled) {
                continue;
            }
            if (event.time > now) {
                now = event.time;
                eventsNow = 0;
            } else if (++eventsNow > MOST_EVENTS_AT_A_TIME) {
                fail("liveness", "time stands still in " + (event.actor == null ? "an action" : event.actor.name()));
            }
            events++;
            SimulatedProcess process = event.process;
            if (process != null && !process.admits(event)) {
                continue;
            }
            if (event.actor != null) {
                current = event.actor;
                return event.actor;
            }
            current = main;
            if (event.action != null) {
                event.action.run();
            }
        }
        current = main;
        return main;
    }

    /** Runs until a condition holds, a rule does not hold, or nothing is left to do. Called by the thread that created the simulation. */
    void run(BooleanSupplier condition) {
        until = condition;
        Actor next = pick();
        if (next != main) {
            pass(next);
            if (!awaitMain()) {
                Carrier carrier = current.carrier();
                throw new IllegalStateException("seed " + seed + " stands still in " + current.name()
                        + (carrier == null ? "" : carrier.describe()));
            }
        }
        current = main;
    }

    /** Waits for the baton of the main actor. Wakes the thread that has it once a second, in case it has missed being woken. */
    private boolean awaitMain() {
        for (long waited = 0; waited < LONGEST_REAL_NANOS; waited += WAKE_AGAIN_NANOS) {
            if (mainCarrier.awaitBaton(WAKE_AGAIN_NANOS)) {
                return true;
            }
            Carrier carrier = current.carrier();
            if (carrier != null) {
                carrier.wake();
            }
        }
        return false;
    }

    /** Ends all actors, so that their threads can be used again. */
    void close() {
        over = true;
        for (Actor actor : List.copyOf(actors)) {
            while (!actor.isDone() && actor.carrier() != null && actors.contains(actor)) {
                current = actor;
                actor.carrier().passBaton();
                if (!awaitMain()) {
                    throw new IllegalStateException("seed " + seed + ": " + actor.name() + " does not end"
                            + actor.carrier().describe());
                }
            }
        }
        current = main;
    }

    void ended(Actor actor) {
        actors.remove(actor);
    }

    /** Leaves an actor standing that goes on although its process is dead. Does not return. */
    void abandon(Actor actor) {
        actors.remove(actor);
        Carrier carrier = actor.carrier();
        pass(pick());
        while (carrier != null) {
            carrier.awaitBaton();
        }
    }
}
