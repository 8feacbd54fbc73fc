// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.StreamFormat;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Shares encoded frames between all readers of one stream in one format. It keeps the last part that one reader has encoded, so each event
 * is encoded about once for any number of readers. It keeps nothing for a single reader.
 *
 * <p>Thread-safe; never blocks.
 */
final class SharedFrames {

    /**
     * Encoded frames.
     *
     * @param after the position after which they begin
     * @param last the position up to which they cover the stream
     * @param frames the frames
     * @param produced whether there was more when they were encoded, and how the response ends if they are the last
     * @param end why the response ends if they are the last; else null
     */
    record Part(
            long after,
            long last,
            FrameWriter frames,
            Feed.Produced produced,
            @Nullable ReaderEnd end) {

        /** Returns this part for a reader that must check whether there is more. */
        Part withMore() {
            return new Part(after, last, frames, Feed.Produced.PART, null);
        }
    }

    private final Key key;
    private volatile boolean several;
    private volatile @Nullable Part part;

    /** Changed while the entry of the map is held. */
    private int readers;

    private SharedFrames(Key key) {
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

    private SharedFrames grow() {
        readers++;
        several = readers > 1;
        return this;
    }

    private @Nullable SharedFrames shrink() {
        readers--;
        several = readers > 1;
        part = null;
        return readers == 0 ? null : this;
    }

    private record Key(String streamId, StreamFormat.EventFormat format) {}

    /** The shared frames of all streams that are read. */
    static final class All {

        private final ConcurrentMap<Key, SharedFrames> byStream = new ConcurrentHashMap<>();

        SharedFrames join(String streamId, StreamFormat.EventFormat format) {
            return byStream.compute(
                    new Key(streamId, format), (key, known) -> (known == null ? new SharedFrames(key) : known).grow());
        }

        /** Removes a reader that has joined. */
        void leave(SharedFrames frames) {
            byStream.computeIfPresent(frames.key, (key, known) -> known == frames ? known.shrink() : known);
        }

        int size() {
            return byStream.size();
        }
    }
}
