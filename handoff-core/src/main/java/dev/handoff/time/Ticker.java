package dev.handoff.time;

/**
 * A source of monotonic time for local schedules: deadlines, retention, heartbeats. Unlike a {@link java.time.Clock} it never
 * goes back and is never set. Its values mean nothing by themselves and nothing on another machine; only the difference of
 * two of them is a duration.
 *
 * <p>Implementations are thread-safe and never block.
 */
@FunctionalInterface
public interface Ticker {

    /** Returns the time in nanoseconds since an arbitrary origin, as {@link System#nanoTime} does. */
    long read();

    /** Returns the ticker of this JVM, {@link System#nanoTime}. */
    static Ticker system() {
        return System::nanoTime;
    }
}
