// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Runs jobs in the thread of the test, when the test lets time pass. The time begins just before the values overflow. */
public final class TickedExecutor extends AbstractExecutorService implements ScheduledExecutorService, Ticker {

    private final PriorityQueue<Job> jobs = new PriorityQueue<>(
            Comparator.comparingLong((Job j) -> j.at - Long.MAX_VALUE).thenComparingLong(j -> j.number));
    private long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(2);
    private long numbers;

    @Override
    public long read() {
        return now;
    }

    /** Lets time pass, and runs what becomes due. */
    public void pass(Duration time) {
        long end = now + time.toNanos();
        while (!jobs.isEmpty() && jobs.element().at - end <= 0) {
            Job job = jobs.remove();
            now = Math.max(job.at - now, 0) + now;
            job.run();
        }
        now = end;
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
        Job scheduled = new Job(job, now + unit.toNanos(delay), numbers++);
        jobs.add(scheduled);
        return scheduled;
    }

    @Override
    public void execute(Runnable job) {
        schedule(job, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> job, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable job, long first, long period, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable job, long first, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void shutdown() {}

    @Override
    public List<Runnable> shutdownNow() {
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return false;
    }

    @Override
    public boolean isTerminated() {
        return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return true;
    }

    private final class Job extends FutureTask<Object> implements RunnableScheduledFuture<Object> {

        private final long at;
        private final long number;

        Job(Runnable job, long at, long number) {
            super(job, null);
            this.at = at;
            this.number = number;
        }

        @Override
        public boolean isPeriodic() {
            return false;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(at - now, TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }
}
