// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testing;

import dev.handoff.observation.HandoffObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what it is told as lines of text. Times are in milliseconds. */
public final class RecordingObserver implements HandoffObserver {

    private final List<String> told = new CopyOnWriteArrayList<>();

    /** Returns what it was told, in order, and forgets it. */
    public List<String> take() {
        List<String> taken = List.copyOf(told);
        told.clear();
        return taken;
    }

    @Override
    public void accepted(String type) {
        told.add("accepted " + type);
    }

    @Override
    public void joined(String type) {
        told.add("joined " + type);
    }

    @Override
    public void resumed(String format) {
        told.add("resumed " + format);
    }

    @Override
    public void refused(int status, String code) {
        told.add("refused " + status + ' ' + code);
    }

    @Override
    public void started(String type, Duration waited) {
        told.add("started " + type + " after " + waited.toMillis());
    }

    @Override
    public void firstEvent(String type, Duration sinceStart) {
        told.add("first event of " + type + " after " + sinceStart.toMillis());
    }

    @Override
    public void ended(String type, RunEnd end, Duration took, long events, long bytes) {
        told.add("ended " + type + ' ' + end + " after " + took.toMillis() + ": " + events + " events, " + bytes
                + " bytes");
    }

    @Override
    public void readerOpened(String format) {
        told.add("opened " + format);
    }

    @Override
    public void firstBytes(String format, Duration sinceOpened) {
        told.add("first bytes of " + format + " after " + sinceOpened.toMillis());
    }

    @Override
    public void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {
        told.add("closed " + format + ' ' + end + " after " + open.toMillis() + ": " + bytes + " bytes");
    }

    @Override
    public void delivered(long entries, long bytes, long heartbeats) {
        told.add("delivered " + entries + " entries, " + bytes + " bytes, " + heartbeats + " heartbeats");
    }
}
