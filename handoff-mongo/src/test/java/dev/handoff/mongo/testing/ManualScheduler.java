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
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** An executor and a ticker in virtual time. The test's thread runs the jobs when it advances the time. Not thread-safe. */
public final class ManualScheduler extends AbstractExecutorService implements ScheduledExecutorService, Ticker {

    private final PriorityQueue<Job<?>> jobs =
            new PriorityQueue<>(Comparator.<Job<?>>comparingLong(j -> j.due).thenComparingLong(j -> j.number));
    private long now;
    private long numbers;
    private boolean shutdown;

    @Override
    public long read() {
        return now;
    }

    /** Runs what becomes due within a time, in order. */
    public void advance(Duration time) {
        long until = now + time.toNanos();
        while (!jobs.isEmpty() && jobs.peek().due <= until) {
            Job<?> job = jobs.remove();
            now = Math.max(now, job.due);
            job.run();
        }
        now = Math.max(now, until);
    }

    /** Lets time pass during a job. */
    public void spend(Duration time) {
        now += time.toNanos();
    }

    @Override
    public void execute(Runnable job) {
        schedule(job, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
        return add(new Job<>(job, now + unit.toNanos(delay), numbers++));
    }

    private <V> Job<V> add(Job<V> job) {
        jobs.add(job);
        return job;
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> job, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable job, long delay, long period, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable job, long delay, long pause, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void shutdown() {
        shutdown = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutdown = true;
        jobs.clear();
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return shutdown;
    }

    @Override
    public boolean isTerminated() {
        return shutdown && jobs.isEmpty();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return isTerminated();
    }

    private final class Job<V> extends FutureTask<V> implements ScheduledFuture<V> {

        private final long due;
        private final long number;

        Job(Runnable job, long due, long number) {
            super(job, null);
            this.due = due;
            this.number = number;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(due - now, TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }
}
