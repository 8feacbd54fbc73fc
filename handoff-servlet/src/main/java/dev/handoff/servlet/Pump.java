// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import jakarta.servlet.ServletOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes a response part by part, while the container says that the socket takes more. It decides nothing about the end of the response.
 * Only the thread that has the turn uses it.
 */
final class Pump {

    /** Produces the parts of a response. */
    interface Source {

        /** Writes what comes next, if there is anything, in one call. Called when the socket takes it. */
        Produced produce(OutputStream out) throws IOException;
    }

    /** Why a turn has ended. */
    enum Stop {
        /** There is nothing more to write for now. */
        CAUGHT_UP,
        /** The socket takes no more for now. The container calls the write listener when it does. */
        BLOCKED,
        /** The turn has written {@link #MAX_PARTS_PER_TURN}, and there may be more. */
        TURN_USED_UP,
        /** The response is complete. */
        COMPLETE,
        /** The last part was written, and the response must not look complete. */
        TRUNCATED
    }

    /**
     * How many parts one turn writes before another thread goes on, because the thread may be the one that appends to the
     * stream.
     */
    private static final int MAX_PARTS_PER_TURN = 8;

    private final Source source;
    private final ServletOutputStream out;
    private final OutputStream unbuffered;
    private final WriteDeadline deadline;

    private boolean caughtUp;
    private boolean unflushed;
    /** The result of the last part, which says how the response ends; null until that part is written. */
    private @Nullable Produced last;

    /**
     * A pump that has written nothing.
     *
     * @param unbuffered the way past the buffer of the output; the output itself if there is none. See {@link Container#unbuffered}
     */
    Pump(Source source, ServletOutputStream out, OutputStream unbuffered, WriteDeadline deadline) {
        this.source = source;
        this.out = out;
        this.unbuffered = unbuffered;
        this.deadline = deadline;
    }

    /** Returns whether there was nothing more to write at the end of the last turn. */
    boolean isCaughtUp() {
        return caughtUp;
    }

    /** Returns whether a turn is needed though nothing new has to be read. */
    boolean isPending() {
        return last != null || !caughtUp || unflushed;
    }

    /** Writes nothing more of the stream; the response must not look complete. */
    void truncate() {
        last = Produced.TRUNCATED;
    }

    /** Writes what comes next until there is a reason to stop. */
    Stop run() throws IOException {
        int parts = 0;
        // The caller may know of more, so the stream is read at least once.
        boolean all = false;
        while (isReady()) {
            if (unflushed) {
                unflushed = false;
                out.flush();
            } else if (all) {
                return Stop.CAUGHT_UP;
            } else if (last == Produced.LAST) {
                return Stop.COMPLETE;
            } else if (last == Produced.TRUNCATED) {
                return Stop.TRUNCATED;
            } else if (parts == MAX_PARTS_PER_TURN) {
                return Stop.TURN_USED_UP;
            } else {
                caughtUp = false;
                Produced produced = source.produce(unbuffered);
                if (produced == Produced.NOTHING) {
                    caughtUp = true;
                    return Stop.CAUGHT_UP;
                }
                if (produced == Produced.LAST || produced == Produced.TRUNCATED) {
                    last = produced;
                }
                all = produced == Produced.CAUGHT_UP;
                caughtUp = all;
                parts++;
                if (unbuffered == out) {
                    unflushed = true;
                } else if (all) {
                    // This container sends the rest by itself. Others have to be asked whether they are ready.
                    return Stop.CAUGHT_UP;
                }
            }
        }
        return Stop.BLOCKED;
    }

    /** Sends a few bytes beside the stream. Returns false if the socket does not take them. */
    boolean send(FrameWriter frames) throws IOException {
        if (unflushed || !isReady()) {
            return false;
        }
        frames.writeTo(unbuffered);
        if (unbuffered == out) {
            unflushed = true;
            if (isReady()) {
                unflushed = false;
                out.flush();
                isReady();
            }
        }
        return true;
    }

    private boolean isReady() {
        return deadline.isReady(out);
    }
}
