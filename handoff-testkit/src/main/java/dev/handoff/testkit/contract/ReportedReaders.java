// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.observation.HandoffObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the readers that were reported as opened, and records why readers were reported as closed. */
final class ReportedReaders implements HandoffObserver {

    private final AtomicInteger opened = new AtomicInteger();
    private final List<ReaderEnd> ends = new CopyOnWriteArrayList<>();

    int opened() {
        return opened.get();
    }

    /** Returns why readers were closed, in order. */
    List<ReaderEnd> ends() {
        return ends;
    }

    @Override
    public void readerOpened(String format) {
        opened.incrementAndGet();
    }

    @Override
    public void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {
        ends.add(end);
    }
}
