// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.RunEnd;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Duration;

/** Tells an observer about one run. Not thread-safe: the run holds its lock. */
final class ObservedRun {

    private final HandoffObserver observer;
    private final String type;
    private final Ticker ticker;
    private final long createdAt;
    private long beganAt;
    private boolean begun;
    private boolean released;
    private long events;
    private long bytes;

    ObservedRun(HandoffObserver observer, String type, Ticker ticker) {
        this.observer = observer;
        this.type = type;
        this.ticker = ticker;
        this.createdAt = ticker.read();
    }

    private boolean isObserved() {
        return observer != HandoffObserver.NONE;
    }

    /** Called before the handler. */
    void began() {
        if (isObserved()) {
            begun = true;
            beganAt = ticker.read();
            observer.started(type, Duration.ofNanos(beganAt - createdAt));
        }
    }

    /** Called after an event was appended. */
    void appended(String data) {
        if (isObserved()) {
            events++;
            bytes += utf8Length(data);
            if (events == 1) {
                observer.firstEvent(type, sinceBegin());
            }
        }
    }

    /** Called before {@link #ended} if the task continues in another process. */
    void released() {
        released = true;
    }

    /** Called once, when the state of the run is final. */
    void ended(TaskStatus.State last) {
        if (isObserved()) {
            observer.ended(type, endOf(last), sinceBegin(), events, bytes);
        }
    }

    private RunEnd endOf(TaskStatus.State last) {
        if (released) {
            return RunEnd.RELEASED;
        }
        return switch (last) {
            case COMPLETED -> RunEnd.COMPLETED;
            case CANCELLED -> RunEnd.CANCELLED;
            default -> RunEnd.FAILED;
        };
    }

    private Duration sinceBegin() {
        return begun ? Duration.ofNanos(ticker.read() - beganAt) : Duration.ZERO;
    }

    private static long utf8Length(String text) {
        long length = text.length();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                // A surrogate pair has 4 bytes for two chars.
                length += c < 0x800 || isPaired(text, i) ? 1 : 2;
            }
        }
        return length;
    }

    /** Returns whether the char is half of a surrogate pair. An unpaired surrogate is written as U+FFFD. */
    private static boolean isPaired(String text, int index) {
        char c = text.charAt(index);
        if (Character.isHighSurrogate(c)) {
            return index + 1 < text.length() && Character.isLowSurrogate(text.charAt(index + 1));
        }
        return Character.isLowSurrogate(c) && index > 0 && Character.isHighSurrogate(text.charAt(index - 1));
    }
}
