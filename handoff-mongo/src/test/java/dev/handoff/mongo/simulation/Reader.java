// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.store.EventStream;
import dev.handoff.stream.Event;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/** A client that reads a stream to its end. It connects to a streaming server, and to another one with its position when that is gone. */
final class Reader {

    private static final long READ_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final World world;
    private final String name;
    private final String stream;
    /** What the events of the request begin with that the client has sent; null if it does not know. */
    private final @Nullable String source;

    private long position = EventStream.BEGINNING;
    private boolean done;
    private @Nullable String outcome;
    private @Nullable Member server;

    Reader(World world, String name, String stream, @Nullable String source) {
        this.world = world;
        this.name = name;
        this.stream = stream;
        this.source = source;
    }

    boolean isDone() {
        return done;
    }

    /**
     * Returns whether it has got to the end. If events may be lost, the end of a stream may be, too, and then it is enough that the reader is not
     * beyond what is left.
     */
    boolean isSettled() {
        return done
                || (!world.isDurable()
                        && !world.checker().hasEnded(stream)
                        && position < world.checker().next(stream));
    }

    /** Returns whether it is connected to a server that is gone. */
    boolean isConnectedTo(Member member) {
        return server == member;
    }

    String stream() {
        return stream;
    }

    /** Connects to a server, where an actor of the server does the work. */
    void connect() {
        if (done) {
            return;
        }
        Member next = world.anyServer();
        server = next;
        next.process().spawn(name, () -> serve(next));
    }

    private void serve(Member member) {
        Simulation simulation = world.simulation();
        Lock lock = member.process().lock();
        Condition hinted = lock.newCondition();
        boolean[] hint = {false};
        EventStream open = member.parts().streams().open(stream);
        try (EventStream.Watch watch = open.watch(() -> {
            lock.lock();
            try {
                hint[0] = true;
                hinted.signalAll();
            } finally {
                lock.unlock();
            }
        })) {
            while (!done) {
                if (readOnce(open)) {
                    continue;
                }
                if (simulation.chance(0.02)) {
                    simulation.note("disconnects at %s", position);
                    break;
                }
                lock.lock();
                try {
                    if (!hint[0]) {
                        long left = hinted.awaitNanos(READ_AGAIN_NANOS);
                        simulation.note("woken with %s ms left", Math.max(0, left) / 1_000_000);
                    }
                    hint[0] = false;
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                } finally {
                    lock.unlock();
                }
            }
        }
        if (!done) {
            connect();
        }
    }

    /** Reads once, and returns whether there may be more. */
    private boolean readOnce(EventStream open) {
        Simulation simulation = world.simulation();
        try {
            EventStream.Batch batch = open.read(position, (int) simulation.between(1, 20));
            world.checker().read(name, stream, position, batch);
            for (Event event : batch.events()) {
                if (source != null && !event.data().startsWith(source)) {
                    simulation.fail("R10", name + " asked for " + source + " and is answered with " + event);
                }
            }
            simulation.note(
                    "reads %s events up to %s%s",
                    batch.events().size(), batch.last(), batch.end() == null ? "" : " and the end");
            position = Math.max(position, batch.last());
            if (batch.end() != null) {
                finish("ended");
            }
            return !batch.events().isEmpty() || batch.more();
        } catch (ProblemException e) {
            if (e.problem().status() == 410) {
                cut(e.problem().code());
                return false;
            }
            simulation.note("cannot read: %s", e.problem().code());
        } catch (DatabaseException e) {
            simulation.note("cannot read: %s", e.getMessage());
        }
        simulation.sleep(RETRY_NANOS);
        return true;
    }

    private void cut(String code) {
        world.simulation().note("is cut: %s", code);
        if (world.isDurable() && !world.checker().hasExpired(stream)) {
            world.simulation()
                    .fail("R5", name + " is cut with " + code + " at " + position + ", though the stream is kept");
        }
        finish(code);
    }

    private void finish(String how) {
        outcome = how;
        done = true;
    }

    @Override
    public String toString() {
        return name + " of " + ServerOperations.shortened(stream) + " at " + position
                + (outcome == null ? "" : ", " + outcome);
    }
}
