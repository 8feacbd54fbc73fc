// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayDeque;
import java.util.Date;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * A reentrant lock for the actors of a process. Others sometimes go on just before an actor takes it, so that its users are seen in many orders.
 */
final class SimulatedLock implements Lock {

    private final SimulatedProcess process;
    private final Simulation simulation;
    private final Deque<Actor> waiting = new ArrayDeque<>();
    private @Nullable Actor owner;
    private int holds;

    SimulatedLock(SimulatedProcess process) {
        this.process = process;
        this.simulation = process.simulation();
    }

    @Override
    public void lock() {
        Actor self = simulation.current();
        if (self.mustEnd()) {
            // The code unwinds, and nothing that it does counts any more.
            return;
        }
        if (owner == self) {
            holds++;
            return;
        }
        if (self.carrier() != null && self.process() == process && simulation.chance(process.switches())) {
            simulation.yieldNow();
        }
        take(self, 1);
    }

    private void take(Actor self, int count) {
        while (owner != null) {
            waiting.add(self);
            simulation.suspend();
        }
        owner = self;
        holds = count;
    }

    @Override
    public boolean tryLock() {
        Actor self = simulation.current();
        if (owner != null && owner != self) {
            return false;
        }
        owner = self;
        holds++;
        return true;
    }

    @Override
    public void unlock() {
        Actor self = simulation.current();
        if (self.mustEnd()) {
            return;
        }
        requireOwner();
        if (--holds == 0) {
            release();
        }
    }

    private void requireOwner() {
        if (owner != simulation.current()) {
            throw new IllegalMonitorStateException(
                    "the lock is not held by " + simulation.current().name());
        }
    }

    private void release() {
        owner = null;
        holds = 0;
        Actor next = waiting.poll();
        if (next != null) {
            simulation.resume(next, 0);
        }
    }

    @Override
    public void lockInterruptibly() {
        lock();
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) {
        throw new UnsupportedOperationException("a lock with a time limit");
    }

    @Override
    public Condition newCondition() {
        return new SimulatedCondition();
    }

    private final class SimulatedCondition implements Condition {

        private final Deque<Waiter> waiters = new ArrayDeque<>();

        @Override
        public void await() {
            await(Long.MAX_VALUE);
        }

        @Override
        public void awaitUninterruptibly() {
            await(Long.MAX_VALUE);
        }

        @Override
        public long awaitNanos(long nanos) {
            long before = process.ticker().read();
            if (nanos > 0) {
                await(nanos);
            }
            return nanos - (process.ticker().read() - before);
        }

        @Override
        public boolean await(long time, TimeUnit unit) {
            return awaitNanos(unit.toNanos(time)) > 0;
        }

        @Override
        public boolean awaitUntil(Date deadline) {
            throw new UnsupportedOperationException("a wait until a time of the wall clock");
        }

        private void await(long nanos) {
            Actor self = simulation.current();
            self.requireAlive();
            requireOwner();
            int held = holds;
            Waiter waiter = new Waiter(self);
            if (nanos < Long.MAX_VALUE) {
                waiter.timeout = simulation.resume(self, process.toVirtual(nanos));
            }
            waiters.add(waiter);
            release();
            simulation.suspend();
            waiters.remove(waiter);
            take(self, held);
        }

        @Override
        public void signal() {
            requireOwner();
            Waiter waiter = waiters.poll();
            if (waiter != null) {
                if (waiter.timeout != null) {
                    waiter.timeout.cancel();
                }
                simulation.resume(waiter.actor, 0);
            }
        }

        @Override
        public void signalAll() {
            if (simulation.current().mustEnd()) {
                return;
            }
            while (!waiters.isEmpty()) {
                signal();
            }
        }
    }

    private static final class Waiter {

        private final Actor actor;
        private Simulation.@Nullable Event timeout;

        Waiter(Actor actor) {
            this.actor = actor;
        }
    }
}
