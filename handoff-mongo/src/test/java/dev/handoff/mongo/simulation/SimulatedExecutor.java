// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An executor of a process that runs so many jobs at a time, each as an actor. Its times are those of the process. */
final class SimulatedExecutor extends AbstractExecutorService implements ScheduledExecutorService {

    private final SimulatedProcess process;
    private final Simulation simulation;
    private final String name;
    private final int threads;
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int running;
    private boolean shutDown;

    SimulatedExecutor(SimulatedProcess process, String name, int threads) {
        this.process = process;
        this.simulation = process.simulation();
        this.name = name;
        this.threads = threads;
    }

    @Override
    public void execute(Runnable job) {
        if (shutDown || simulation.isOver()) {
            throw new RejectedExecutionException("the executor is shut down");
        }
        waiting.add(job);
        startNext();
    }

    private void startNext() {
        if (running < threads && !waiting.isEmpty()) {
            running++;
            Runnable job = waiting.remove();
            simulation.spawn(name, process, 0, () -> run(job));
        }
    }

    private void run(Runnable first) {
        Runnable job = first;
        while (true) {
            try {
                job.run();
            } catch (ProcessKilled e) {
                throw e;
            } catch (RuntimeException | Error e) {
                // A thread pool replaces a thread that has failed.
                simulation.note("a job threw %s", e.toString());
            }
            if (process.isDead() || simulation.isOver()) {
                return;
            }
            if (waiting.isEmpty()) {
                running--;
                return;
            }
            job = waiting.remove();
        }
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
        return scheduled(new Scheduled<Object>(job, unit.toNanos(delay), 0));
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> job, long delay, TimeUnit unit) {
        return scheduled(new Scheduled<>(job, unit.toNanos(delay)));
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable job, long delay, long period, TimeUnit unit) {
        return scheduleWithFixedDelay(job, delay, period, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable job, long delay, long pause, TimeUnit unit) {
        return scheduled(new Scheduled<Object>(job, unit.toNanos(delay), unit.toNanos(pause)));
    }

    private <V> Scheduled<V> scheduled(Scheduled<V> job) {
        if (shutDown || simulation.isOver()) {
            throw new RejectedExecutionException("the executor is shut down");
        }
        job.submitAfter(job.delay);
        return job;
    }

    @Override
    public void shutdown() {
        shutDown = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutDown = true;
        List<Runnable> left = new ArrayList<>(waiting);
        waiting.clear();
        return left;
    }

    @Override
    public boolean isShutdown() {
        return shutDown;
    }

    @Override
    public boolean isTerminated() {
        return shutDown && running == 0;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        long until = simulation.now() + process.toVirtual(unit.toNanos(timeout));
        while (!isTerminated() && simulation.now() < until) {
            process.sleep(TimeUnit.MILLISECONDS.toNanos(10));
        }
        return isTerminated();
    }

    @Override
    public <T> List<Future<T>> invokeAll(Collection<? extends Callable<T>> tasks) {
        throw new UnsupportedOperationException("an executor that is waited for");
    }

    private final class Scheduled<V> extends FutureTask<V> implements RunnableScheduledFuture<V> {

        private final long delay;
        private final long pause;
        private long dueAt;
        private Simulation.@Nullable Event event;

        @SuppressWarnings("NullAway") // The result of a job that returns none.
        Scheduled(Runnable job, long delay, long pause) {
            super(job, null);
            this.delay = delay;
            this.pause = pause;
        }

        Scheduled(Callable<V> job, long delay) {
            super(job);
            this.delay = delay;
            this.pause = 0;
        }

        private void submitAfter(long nanos) {
            dueAt = simulation.now() + process.toVirtual(nanos);
            event = simulation.schedule(process.toVirtual(nanos), process, () -> {
                if (!shutDown && !isCancelled()) {
                    execute(this);
                }
            });
        }

        private void execute(Runnable job) {
            SimulatedExecutor.this.execute(job);
        }

        @Override
        public void run() {
            if (pause == 0) {
                super.run();
            } else if (super.runAndReset()) {
                submitAfter(pause);
            }
        }

        @Override
        protected void setException(Throwable thrown) {
            if (!process.isDead() && !simulation.isOver()) {
                simulation.note("a scheduled job threw %s", thrown.toString());
            }
            super.setException(thrown);
        }

        @Override
        public boolean cancel(boolean mayInterrupt) {
            if (event != null) {
                event.cancel();
            }
            return super.cancel(false);
        }

        @Override
        public boolean isPeriodic() {
            return pause > 0;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(dueAt - simulation.now(), TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }

        @Override
        public V get() {
            throw new UnsupportedOperationException("a wait for a job");
        }
    }
}
