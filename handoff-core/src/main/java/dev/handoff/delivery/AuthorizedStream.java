// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gives access to the stream that a token opens, in one format and with the rights of the grant.
 *
 * <p>Thread-safe.
 */
public final class AuthorizedStream {

    private final Grant grant;
    private final StreamFormat format;
    private final EventStore store;
    private final TaskDispatcher dispatcher;
    private final String proof;
    private volatile @Nullable EventStream opened;

    /**
     * Creates the access to the stream of a grant.
     *
     * @param proof the proof that the ids of the stream's events carry; see {@link EventId}
     */
    public AuthorizedStream(
            Grant grant, StreamFormat format, EventStore store, TaskDispatcher dispatcher, String proof) {
        this.grant = grant;
        this.format = format;
        this.store = store;
        this.dispatcher = dispatcher;
        this.proof = proof;
    }

    /** Returns the grant of the token. */
    public Grant grant() {
        return grant;
    }

    /** Returns the format in which the client reads the stream. */
    public StreamFormat format() {
        return format;
    }

    /**
     * Returns the stream. The first successful call checks that the stream is still kept, and blocks until the dispatcher and the store
     * answer. Later calls return at once.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the stream is no longer kept
     */
    public EventStream stream() {
        require(Grant.Right.READ);
        EventStream stream = opened;
        if (stream == null) {
            stream = store.open(grant.streamId());
            requireKept(stream);
            opened = stream;
        }
        return stream;
    }

    /**
     * Checks that the token grants reading and that the stream is kept. Blocks as {@link #stream} does.
     *
     * @throws ProblemException as {@link #stream} does
     */
    public void requireReadable() {
        stream();
    }

    /**
     * Checks that the stream is still kept: that the task is known and that the stream has an end if the task is over. Otherwise the stream
     * would never end. A server calls this for a reader that has received nothing for some time. Blocks until the dispatcher and the store
     * answer.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the stream is no longer kept
     */
    public void requireKept() {
        requireKept(stream());
    }

    private void requireKept(EventStream stream) {
        // Asks the dispatcher first, because a task is over only after its stream has ended.
        TaskStatus status = dispatcher.status(grant.streamId()).orElseThrow(AuthorizedStream::gone);
        if (status.state().isFinal() && stream.end().isEmpty()) {
            throw gone();
        }
    }

    /**
     * Returns the id of an event as the client receives it, with the proof that lets the client resume; see
     * {@link EventId}.
     *
     * @param position the position of the entry
     * @param part the number of the frame within its entry, counted from 1; 0 for the last frame
     */
    public String eventId(long position, int part) {
        String place = grant.streamId() + ':' + position;
        return part == 0 ? place + ':' + proof : place + '.' + part + ':' + proof;
    }

    /**
     * Returns the status of the task. Blocks until the dispatcher answers.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the task is no longer kept
     */
    public TaskStatus status() {
        require(Grant.Right.READ);
        return dispatcher.status(grant.streamId()).orElseThrow(AuthorizedStream::gone);
    }

    /**
     * Cancels the task, as {@link TaskDispatcher#cancel} does. Blocks until the dispatcher answers.
     *
     * @return true if the task is being cancelled or was cancelled before; false if it has completed or failed
     * @throws ProblemException with status 403 if cancelling is not granted, or 410 if the task is no longer kept
     */
    public boolean cancel() {
        require(Grant.Right.CANCEL);
        if (dispatcher.status(grant.streamId()).isEmpty()) {
            throw gone();
        }
        return dispatcher.cancel(grant.streamId());
    }

    /**
     * Checks and returns the id of the last event that a client has received. Blocks until the store answers.
     *
     * @param lastEventId the value of {@code Last-Event-ID} that the client sent
     * @throws ProblemException with status 400 if this is not the id of an event that the stream has had, 403 if reading is not granted, or
     *     410 if the stream is no longer kept
     */
    public EventId resumeAfter(String lastEventId) {
        return LastEventId.check(this, lastEventId);
    }

    private void require(Grant.Right right) {
        if (!grant.rights().contains(right)) {
            throw ProblemCode.RIGHT_MISSING.exception(
                    "The token does not grant the right " + Objects.toString(right) + '.');
        }
    }

    /** Returns the exception for a stream that is no longer kept. */
    public static ProblemException gone() {
        return ProblemCode.STREAM_GONE.exception("The stream is no longer kept.");
    }
}
