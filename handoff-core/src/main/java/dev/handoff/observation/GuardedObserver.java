// SPDX-License-Identifier: Apache-2.0
package dev.handoff.observation;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Passes each call to an observer of the application, and logs each exception that the observer throws. */
public final class GuardedObserver implements HandoffObserver {

    private static final Logger logger = LoggerFactory.getLogger(GuardedObserver.class);

    private final HandoffObserver observer;
    private volatile boolean failed;

    private GuardedObserver(HandoffObserver observer) {
        this.observer = observer;
    }

    /** Returns an observer that passes each call to another one and never throws. */
    public static HandoffObserver of(HandoffObserver observer) {
        return observer == NONE || observer instanceof GuardedObserver ? observer : new GuardedObserver(observer);
    }

    private void guard(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | Error e) {
            if (failed) {
                logger.debug("the observer threw an exception again", e);
            } else {
                failed = true;
                logger.warn("the observer threw an exception, further exceptions are logged at debug level", e);
            }
        }
    }

    @Override
    public void accepted(String type) {
        guard(() -> observer.accepted(type));
    }

    @Override
    public void joined(String type) {
        guard(() -> observer.joined(type));
    }

    @Override
    public void resumed(String format) {
        guard(() -> observer.resumed(format));
    }

    @Override
    public void refused(int status, String code) {
        guard(() -> observer.refused(status, code));
    }

    @Override
    public void started(String type, Duration waited) {
        guard(() -> observer.started(type, waited));
    }

    @Override
    public void firstEvent(String type, Duration sinceStart) {
        guard(() -> observer.firstEvent(type, sinceStart));
    }

    @Override
    public void ended(String type, RunEnd end, Duration took, long events, long bytes) {
        guard(() -> observer.ended(type, end, took, events, bytes));
    }

    @Override
    public void readerOpened(String format) {
        guard(() -> observer.readerOpened(format));
    }

    @Override
    public void firstBytes(String format, Duration sinceOpened) {
        guard(() -> observer.firstBytes(format, sinceOpened));
    }

    @Override
    public void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {
        guard(() -> observer.readerClosed(format, end, open, bytes));
    }

    @Override
    public void delivered(long entries, long bytes, long heartbeats) {
        guard(() -> observer.delivered(entries, bytes, heartbeats));
    }

    @Override
    public void committed(int batches, int events, long bytes, Duration took) {
        guard(() -> observer.committed(batches, events, bytes, took));
    }

    @Override
    public void commitRetried(int batches) {
        guard(() -> observer.commitRetried(batches));
    }

    @Override
    public void pendingBytes(long bytes) {
        guard(() -> observer.pendingBytes(bytes));
    }

    @Override
    public void fenced(String streamId) {
        guard(() -> observer.fenced(streamId));
    }

    @Override
    public void fetched(int streams, int batches, long bytes, Duration took) {
        guard(() -> observer.fetched(streams, batches, bytes, took));
    }

    @Override
    public void tailLag(Duration lag) {
        guard(() -> observer.tailLag(lag));
    }

    @Override
    public void claimed(String type, Duration queued) {
        guard(() -> observer.claimed(type, queued));
    }

    @Override
    public void queueLength(String type, long tasks) {
        guard(() -> observer.queueLength(type, tasks));
    }

    @Override
    public void swept(int lost, Duration took) {
        guard(() -> observer.swept(lost, took));
    }

    @Override
    public void leaseAge(Duration age) {
        guard(() -> observer.leaseAge(age));
    }
}
