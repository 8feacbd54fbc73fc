// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;

/** Checks that the {@code Last-Event-ID} of a client is the id of an event of the stream. */
final class LastEventId {

    private LastEventId() {}

    /**
     * Returns the id that a client has sent, after checking it. May block for as long as the store takes.
     *
     * @throws ProblemException with status 400 if the stream has had no entry with this id, or 403 if reading is not granted
     */
    static EventId check(AuthorizedStream access, String lastEventId) {
        EventId id = EventId.ofRequest(lastEventId);
        if (!id.streamId().equals(access.grant().streamId())) {
            throw ProblemCode.INVALID_LAST_EVENT_ID.exception("Last-Event-ID names another stream: " + id);
        }
        if (id.position() > access.stream().last()) {
            throw ProblemCode.INVALID_LAST_EVENT_ID.exception(
                    "Last-Event-ID names an event that the stream has not had: " + id);
        }
        return id;
    }

    /** Refuses the id of a part that the entry does not have, since the client would miss the whole entry. */
    static void requirePart(EventStream stream, StreamFormat.EventFormat format, EventId last) {
        EventStream.Batch entry = stream.read(last.after(), 1);
        int frames;
        try {
            frames = framesOf(format, entry);
        } catch (Throwable e) {
            throw Rendering.failure(format, e);
        }
        if (last.part() >= frames) {
            throw ProblemCode.INVALID_LAST_EVENT_ID.exception(
                    "Last-Event-ID names an event that the stream has not had: " + last);
        }
    }

    private static int framesOf(StreamFormat.EventFormat format, EventStream.Batch entry) {
        if (!entry.events().isEmpty()) {
            return format.frames(entry.events().get(0)).size();
        }
        End end = entry.end();
        return end == null ? 0 : format.frames(end).size();
    }
}
