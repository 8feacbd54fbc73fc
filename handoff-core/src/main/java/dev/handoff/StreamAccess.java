package dev.handoff;

import java.util.Objects;

/**
 * What a token opens: one stream, in one format, with the rights of its grant.
 *
 * <p>Thread-safe.
 */
public final class StreamAccess {

    private final Grant grant;
    private final StreamFormat format;
    private final EventStream stream;
    private final TaskDispatcher dispatcher;

    StreamAccess(Grant grant, StreamFormat format, EventStream stream, TaskDispatcher dispatcher) {
        this.grant = grant;
        this.format = format;
        this.stream = stream;
        this.dispatcher = dispatcher;
    }

    /** What was granted. */
    public Grant grant() {
        return grant;
    }

    /** How the stream is to be shown. */
    public StreamFormat format() {
        return format;
    }

    /**
     * The stream.
     *
     * @throws ProblemException with status 403 if reading is not granted
     */
    public EventStream stream() {
        require(Grant.Right.READ);
        return stream;
    }

    /**
     * How the task stands. May block.
     *
     * @throws ProblemException with status 403 if reading is not granted, or 410 if the task is no longer kept
     */
    public TaskStatus status() {
        require(Grant.Right.READ);
        return dispatcher.status(grant.streamId()).orElseThrow(Handoff::gone);
    }

    /**
     * Cancels the task, as {@link TaskDispatcher#cancel} does. May block.
     *
     * @return false if it has ended already
     * @throws ProblemException with status 403 if cancelling is not granted
     */
    public boolean cancel() {
        require(Grant.Right.CANCEL);
        return dispatcher.cancel(grant.streamId());
    }

    /**
     * Where reading goes on for a client that has had the stream up to an event.
     *
     * @param lastEventId what the client sent as {@code Last-Event-ID}
     * @throws ProblemException with status 400 if this is not the id of an event that the stream has had
     */
    public EventId resumeAfter(String lastEventId) {
        EventId id = Handoff.parseLastEventId(lastEventId);
        if (!id.streamId().equals(grant.streamId())) {
            throw new ProblemException(400, "invalid_last_event_id", "Last-Event-ID names another stream: " + id);
        }
        if (id.position() > stream().last()) {
            throw new ProblemException(
                    400, "invalid_last_event_id", "Last-Event-ID names an event that the stream has not had: " + id);
        }
        return id;
    }

    private void require(Grant.Right right) {
        if (!grant.rights().contains(right)) {
            throw new ProblemException(
                    403, "right_missing", "The token does not grant the right " + Objects.toString(right) + '.');
        }
    }
}
