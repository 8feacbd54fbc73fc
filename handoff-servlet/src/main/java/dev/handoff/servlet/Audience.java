package dev.handoff.servlet;

import dev.handoff.SseWriter;
import dev.handoff.StreamFormat;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Those who read one stream in one format. They are sent the same frames, so what one of them has put together is kept for
 * the others who have come as far: however many there are, an event is encoded once. Who reads alone has nothing kept.
 *
 * <p>Thread-safe; never blocks.
 */
final class Audience {

    /**
     * What one of them writes in one call.
     *
     * @param after the position that it follows on
     * @param last the position up to which it covers the stream
     * @param frames what is written
     * @param produced whether there was more, or ever will be
     */
    record Part(long after, long last, SseWriter frames, Connection.Produced produced) {

        /** The same, for one who has to look whether there is more. */
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

    /** What follows on a position; null if that is not known, or no longer. */
    @Nullable
    Part after(long position) {
        Part latest = part;
        return latest != null && latest.after() == position ? latest : null;
    }

    /** Keeps a part for the others, if there are others; its frames must not be written to any more. Returns whether it did. */
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

        /** To be called once by each that has joined. */
        void leave(Audience audience) {
            byStream.computeIfPresent(audience.key, (key, known) -> known == audience ? known.shrink() : known);
        }

        int size() {
            return byStream.size();
        }
    }
}
