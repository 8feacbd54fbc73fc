// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The writers of one stream, one after the other: when a process is gone or seems to be, another one takes over with a higher epoch. All append
 * the same kind of event, until one of them ends the stream.
 */
final class Writer {

    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final World world;
    private final String stream;
    private final int events;
    private int epoch;
    private int appended;
    private @Nullable Member member;
    private boolean done;

    Writer(World world, String stream, int events) {
        this.world = world;
        this.stream = stream;
        this.events = events;
    }

    String stream() {
        return stream;
    }

    boolean isDone() {
        return done;
    }

    boolean isAt(Member other) {
        return member == other;
    }

    /** Has a process write with a new epoch. The earlier process may go on and is fenced. */
    void takeOver() {
        if (done) {
            return;
        }
        Member next = world.anyWorker();
        member = next;
        int own = ++epoch;
        next.process().spawn("writer" + own, () -> write(next, own));
    }

    private void write(Member at, int own) {
        Simulation simulation = world.simulation();
        List<Event> unacknowledged = new ArrayList<>();
        try {
            EventAppender appender = open(at, own);
            while (appended < events) {
                simulation.sleep(
                        simulation.spread(1_000_000, world.settings().lease.toNanos() / 6));
                int burst = (int) simulation.between(1, 4);
                for (int i = 0; i < burst; i++) {
                    String data = "w" + ServerOperations.shortened(stream) + '#' + appended;
                    long position = appender.append(simulation.chance(0.3) ? "type" : null, data);
                    unacknowledged.add(new Event(position, null, data));
                    appended++;
                }
                if (simulation.chance(0.3)) {
                    appender.flush();
                    acknowledged(own, unacknowledged, null);
                }
            }
            End end = End.completed("result of " + own);
            appender.end(end);
            simulation.note("has ended %s", ServerOperations.shortened(stream));
            acknowledged(own, unacknowledged, end);
            done = true;
        } catch (StaleWriterException e) {
            simulation.note("is fenced with epoch %s", own);
            fenced(own);
        } catch (ProblemException | DatabaseException e) {
            failed(at, own, e.getMessage());
        }
    }

    /** Opens the writer. A store that cannot be reached is tried again. */
    private EventAppender open(Member at, int own) {
        while (true) {
            try {
                return at.parts().streams().appender(stream, own);
            } catch (DatabaseException | ProblemException e) {
                world.simulation().note("cannot open a writer: %s", String.valueOf(e.getMessage()));
                world.simulation().sleep(RETRY_NANOS);
            }
        }
    }

    private void acknowledged(int own, List<Event> events, @Nullable End end) {
        // The type does not matter for what is checked.
        world.checker().acknowledged(stream, own, events, end);
        if (!events.isEmpty() && world.isDurable() && world.settings().calmStore) {
            Event last = events.get(events.size() - 1);
            Member other = world.anyServer();
            other.process().spawn("probe", () -> probe(other, last));
        }
        events.clear();
    }

    /** R4: a read that begins after an acknowledgement shows what was acknowledged. A primary without the other servers shows less, though. */
    private void probe(Member at, Event event) {
        try {
            List<Event> found = at.parts()
                    .streams()
                    .open(stream)
                    .read(event.position() - 1, 1)
                    .events();
            if (found.isEmpty() || !found.get(0).data().equals(event.data())) {
                world.simulation()
                        .fail("R4", at + " reads " + found + ", though " + event + " was acknowledged before");
            }
        } catch (ProblemException | DatabaseException e) {
            world.simulation().note("cannot read: %s", String.valueOf(e.getMessage()));
        }
    }

    /** A writer is stale only if there is a later one, or if the stream has ended. */
    private void fenced(int own) {
        if (own == epoch && world.isDurable() && !world.checker().hasEnded(stream)) {
            world.simulation()
                    .fail(
                            "R3",
                            "epoch " + own + " of " + ServerOperations.shortened(stream)
                                    + " is fenced, and there is no later one");
        }
        done |= own == epoch && world.checker().hasEnded(stream);
        if (own == epoch && !done) {
            takeOver();
        }
    }

    /** All faults are shorter than the time for which writes are repeated. */
    private void failed(Member at, int own, @Nullable String message) {
        world.simulation().note("epoch %s fails: %s", own, String.valueOf(message));
        world.simulation()
                .fail(
                        "R4",
                        "epoch " + own + " of " + ServerOperations.shortened(stream) + " fails at " + at + ": "
                                + message);
    }

    @Override
    public String toString() {
        return "writer of " + ServerOperations.shortened(stream) + " with epoch " + epoch + " at " + member + ", "
                + appended + " of " + events;
    }
}
