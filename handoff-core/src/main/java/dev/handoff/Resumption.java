// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.EventId;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.TokenSealer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * The part of a stream that a client may resume at the address of its first request.
 *
 * @param last the event after which the client reads
 * @param format the name of the format of events
 * @param expires when the right to read ends
 */
record Resumption(EventId last, String format, Instant expires) {

    /** Checks whether a request that carries a {@code Last-Event-ID} may resume a stream. Thread-safe. */
    record Check(TaskDispatcher dispatcher, TokenSealer sealer, Formats formats, Clock clock, Duration grantLifetime) {

        /**
         * Returns what the client may resume; empty if the request has no {@code Last-Event-ID}. Blocks as long as the dispatcher does.
         *
         * @throws ProblemException as {@link Handoff#resume} does
         */
        Optional<Resumption> of(HandoffRequest request) {
            String field = request.header("Last-Event-ID");
            if (field == null || field.isEmpty()) {
                return Optional.empty();
            }
            EventId last = EventId.ofRequest(field);
            boolean known = request.subject() != null;
            if (!known && !sealer.proves(last.streamId(), last.proof())) {
                throw notYourStream(last);
            }
            TaskStatus status = dispatcher.status(last.streamId()).orElseThrow(AuthorizedStream::gone);
            if (!Objects.equals(status.subject(), request.subject())) {
                throw notYourStream(last);
            }
            Instant expires = (known ? clock.instant() : status.created()).plus(grantLifetime);
            if (!clock.instant().isBefore(expires)) {
                throw ProblemCode.TOKEN_EXPIRED.exception("The stream could be resumed until " + expires + '.');
            }
            // Only events have ids, so this client reads events, whatever format the first request asked for.
            boolean events = formats.ofAccepted(status.format()) instanceof StreamFormat.EventFormat;
            String format = events ? status.format() : StreamFormat.standard().name();
            return Optional.of(new Resumption(last, format, expires));
        }

        private static ProblemException notYourStream(EventId last) {
            return ProblemCode.NOT_YOUR_STREAM.exception(
                    "Last-Event-ID names a stream that was begun by another user, or has no valid proof: " + last);
        }
    }
}
