package dev.handoff.servlet;

import dev.handoff.delivery.SseWriter;
import dev.handoff.delivery.StreamFormat;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The readers of one stream in one format. They are sent the same frames, so the last part that one of them has encoded is
 * kept for the others: with any number of readers an event is encoded about once. With a single reader nothing is kept.
 *
 * <p>Thread-safe; never blocks.
 */
final class Audience {

    /**
     * Encoded frames.
     *
     * @param after the position after which they begin
     * @param last the position up to which they cover the stream
     * @param frames the frames
     * @param produced whether there was more when they were encoded, and how the response ends if they are the last
     */
    record Part(long after, long last, SseWriter frames, Connection.Produced produced) {

        /** Returns this part for a reader that has to look whether there is more. */
        Part withMore() {
            return new Part(after, last, frames, Connection.Produced.PART);
        }
    }

    private final Key key;
    private volatile boolean several;
    private volatile @Nullable Part part;

    /** Changed while the entry of the map is held. */
    private int readers;

    private Audience(Key key) {
        this.key = key;
    }

    /** Returns the part that begins after a position; null if it is not kept. */
    @Nullable
    Part after(long position) {
        Part latest = part;
        return latest != null && latest.after() == position ? latest : null;
    }

    /** Keeps a part, unless there is only one reader. If this returns true its frames must not be written to any more. */
    boolean keep(Part latest) {
        if (!several) {
            return false;
        }
        part = latest;
        return true;
    }

    private Audience grow() {
        readers++;
        several = readers > 1;
        return this;
    }

    private @Nullable Audience shrink() {
        readers--;
        several = readers > 1;
        part = null;
        return readers == 0 ? null : this;
    }

    private record Key(String streamId, StreamFormat.EventFormat format) {}

    /** The audiences of all streams that are read. */
    static final class All {

        private final ConcurrentMap<Key, Audience> byStream = new ConcurrentHashMap<>();

        Audience join(String streamId, StreamFormat.EventFormat format) {
            return byStream.compute(
                    new Key(streamId, format), (key, known) -> (known == null ? new Audience(key) : known).grow());
        }

        /** Removes a reader that has joined. */
        void leave(Audience audience) {
            byStream.computeIfPresent(audience.key, (key, known) -> known == audience ? known.shrink() : known);
        }

        int size() {
            return byStream.size();
        }
    }
}
