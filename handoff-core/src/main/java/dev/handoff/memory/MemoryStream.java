// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Shows the stream to one reader. It looks up the log at each call until the log has a writer, and keeps it from then on. */
final class MemoryStream implements EventStream {

    private final String id;
    private final StreamLog.Shared shared;
    private volatile @Nullable StreamLog written;

    /** Creates the view of a reader. If the log has a writer, the reader gets 410 as soon as that log is dropped. */
    MemoryStream(String id, StreamLog.Shared shared) {
        this.id = id;
        this.shared = shared;
        written();
    }

    /** Returns the log, or null if it has had no writer yet. */
    private @Nullable StreamLog written() {
        StreamLog known = written;
        if (known == null) {
            known = shared.logs().get(id);
            if (known != null && !known.isWritten()) {
                return null;
            }
            written = known;
        }
        return known;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public Batch read(long after, int limit) {
        if (after < BEGINNING) {
            throw new IllegalArgumentException("position is less than -1: " + after);
        }
        if (limit < 1) {
            throw new IllegalArgumentException("limit is less than 1: " + limit);
        }
        StreamLog log = written();
        if (log != null) {
            return entriesOf(log).read(after, limit);
        }
        if (after != BEGINNING) {
            // The reader has had events of a log that was dropped.
            throw gone();
        }
        return new Batch(List.of(), BEGINNING, null);
    }

    @Override
    public Watch watch(Runnable action) {
        StreamLog log = written();
        while (true) {
            StreamLog target =
                    log != null ? log : shared.logs().computeIfAbsent(id, absent -> new StreamLog(absent, shared));
            ReaderHint hint = new ReaderHint(action, target);
            // If the log of this reader was dropped, nothing is appended to it any more, so the hint need not be
            // registered.
            if (target.register(hint) || log != null) {
                return hint;
            }
        }
    }

    @Override
    public long last() {
        StreamLog log = written();
        return log == null ? BEGINNING : entriesOf(log).last();
    }

    @Override
    public Optional<End> end() {
        StreamLog log = written();
        return log == null
                ? Optional.empty()
                : Optional.ofNullable(entriesOf(log).end());
    }

    @Override
    public long eventCount() {
        StreamLog log = written();
        return log == null ? 0 : entriesOf(log).size();
    }

    private static StreamEntries entriesOf(StreamLog log) {
        StreamEntries kept = log.entries();
        if (kept == null) {
            throw gone();
        }
        return kept;
    }

    private static ProblemException gone() {
        return ProblemCode.STREAM_GONE.exception("The stream is no longer kept.");
    }
}
