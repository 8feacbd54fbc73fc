// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.RedirectPolicy;
import dev.handoff.delivery.Rendering;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Retrieves, cancels and deletes the responses that {@link ResponseRoute} has begun. It keeps no state: the id of a response leads to its
 * task and its stream, so any server with the same store and secret answers.
 *
 * <p>Thread-safe. Blocks until the store and the dispatcher answer.
 */
final class Responses {

    private final TaskDispatcher tasks;
    private final EventStore store;
    private final TokenSealer sealer;
    private final RedirectPolicy redirects;
    private final Duration tokenLifetime;
    private final ResponseIds ids;
    private final ResponseStreams streams;
    private final ResponseRecords records;

    /** A response that the client may use. */
    private record Found(String id, TaskStatus status, ResponseMode mode) {}

    Responses(
            TaskDispatcher tasks,
            EventStore store,
            TokenSealer sealer,
            RedirectPolicy redirects,
            Duration tokenLifetime) {
        this.tasks = tasks;
        this.store = store;
        this.sealer = sealer;
        this.redirects = redirects;
        this.tokenLifetime = tokenLifetime;
        this.ids = new ResponseIds(sealer);
        this.streams = new ResponseStreams(store, tasks, ids);
        this.records = new ResponseRecords(store);
    }

    /** Returns the methods of a path below {@code /responses}, separated by commas; empty if there is nothing at this path. */
    static Optional<String> methods(String path) {
        if (path.isEmpty()) {
            return Optional.of("POST");
        }
        if (path.matches("/[^/]+")) {
            return Optional.of("GET, HEAD, DELETE");
        }
        return path.matches("/[^/]+/cancel") ? Optional.of("POST") : Optional.empty();
    }

    /**
     * Returns the policy for new responses. It answers a client that wants a background response without its events at once, and stores what
     * was requested, for clients that retrieve the response before a worker begins. It redirects all other clients.
     */
    RedirectPolicy policy() {
        return (request, grant, location) -> {
            boolean background = ResponseMode.BACKGROUND.formatName().equals(grant.format());
            if (!background || request.header("Last-Event-ID") != null) {
                return redirects.reply(request, grant, location);
            }
            ResponseRequest wanted = ResponseRequest.parse(request.body());
            String taskId = grant.streamId();
            ObjectNode queued = wanted.response(ids.of(taskId), ApiFilter.arrivalSeconds(request), "queued");
            // Fails at once if the dispatcher is not ready. The store would wait.
            if (tasks.status(taskId).isEmpty()) {
                records.keepQueued(taskId, queued);
            }
            return wanted.stream()
                    ? redirects.reply(request, grant, location)
                    : json(records.queued(taskId).orElse(queued)).with(RequestIds.HEADER, RequestIds.of(taskId));
        };
    }

    /**
     * Returns the answer to a request whose method is one of {@link #methods}.
     *
     * @param path the path of the request below {@code /responses}
     */
    Reply reply(HandoffRequest request, String path) {
        try {
            Found found = find(request, path.split("/")[1]);
            return switch (request.method()) {
                case "POST" -> cancel(found);
                case "DELETE" -> delete(found);
                default -> ResponseQuery.of(request.query()).stream() ? redirect(request, found) : json(current(found));
            };
        } catch (Throwable e) {
            return OpenAiErrors.reply(Rendering.problemOf(e));
        }
    }

    private static Reply json(ObjectNode json) {
        return Reply.of(200, Reply.JSON, json.toString()).with("Cache-Control", "no-store");
    }

    /**
     * Finds a response of the user who sent the request. Without keys nobody has a name, so the id is the proof, and it expires like a token.
     *
     * @throws ProblemException with status 404 if there is no such response, or it belongs to another user
     */
    private Found find(HandoffRequest request, String id) {
        Optional<TaskStatus> known = ids.taskOf(id).flatMap(tasks::status);
        Optional<ResponseMode> mode = known.flatMap(status -> ResponseMode.ofFormat(status.format()));
        if (known.isEmpty() || mode.isEmpty() || !mode.get().stored()) {
            throw notFound(id);
        }
        TaskStatus status = known.get();
        boolean expired = status.subject() == null && !Instant.now().isBefore(expiry(status));
        if (expired || !Objects.equals(status.subject(), request.subject()) || records.isDeleted(status.taskId())) {
            throw notFound(id);
        }
        return new Found(id, status, mode.get());
    }

    private static ProblemException notFound(String id) {
        String shown = id.length() > 100 ? id.substring(0, 100) + "..." : id;
        return new ProblemException(
                404, "not_found", "Response with id '" + shown.replaceAll("\\p{Cntrl}", "?") + "' not found.");
    }

    private Instant expiry(TaskStatus status) {
        Instant from = status.subject() == null ? status.created() : Instant.now();
        return from.plus(tokenLifetime);
    }

    /** Returns the response as it is now. A client that polls a queued response counts as its reader, so that the task is not cancelled. */
    private ObjectNode current(Found found) {
        TaskStatus status = found.status();
        Optional<End> end = store.open(status.taskId()).end();
        if (end.isPresent()) {
            return (ObjectNode) streams.last(status, found.mode(), end.get()).get("response");
        }
        if (status.state().isFinal()) {
            // The store no longer keeps the stream.
            throw notFound(found.id());
        }
        if (found.mode() == ResponseMode.BACKGROUND) {
            tasks.reportReaders(List.of(status.taskId()));
        }
        return streams.begun(status, found.mode());
    }

    /** Leads the client to the events after the one that it names. */
    private Reply redirect(HandoffRequest request, Found found) {
        TaskStatus status = found.status();
        EventStream stream = store.open(status.taskId());
        OptionalLong startingAfter = ResponseQuery.of(request.query()).startingAfter();
        String resume = "";
        if (startingAfter.isPresent()) {
            OptionalLong position = ResponsePositions.find(stream, startingAfter.getAsLong());
            if (position.isEmpty()) {
                return atTheEnd(stream, startingAfter.getAsLong());
            }
            resume = "?last_event_id=" + status.taskId() + ':' + position.getAsLong();
        }
        Grant grant = new Grant(
                status.taskId(),
                Set.of(Grant.Right.READ),
                ResponseMode.STREAM.formatName(),
                status.subject(),
                expiry(status));
        return redirects.reply(request, grant, request.contextPath() + "/events/" + sealer.seal(grant) + resume);
    }

    /** Returns a stream without events, because some SDKs fail if the status is 204. */
    private static Reply atTheEnd(EventStream stream, long startingAfter) {
        if (stream.end().isEmpty() || startingAfter > stream.eventCount()) {
            throw OpenAiErrors.invalid(
                    "starting_after", "is " + startingAfter + ", which is not the number of an event of the response.");
        }
        return Reply.of(200, "text/event-stream", ": the response has no more events\n\n")
                .with("Cache-Control", "no-store");
    }

    private Reply cancel(Found found) {
        if (found.mode() != ResponseMode.BACKGROUND) {
            throw new ProblemException(400, "invalid_request", "Cannot cancel a synchronous response.");
        }
        if (!tasks.cancel(found.status().taskId())) {
            throw new ProblemException(400, "invalid_request", "Cannot cancel a completed response.");
        }
        ObjectNode response = current(refreshed(found));
        // A worker in another process has not noticed the cancellation yet.
        response.put("status", "cancelled");
        return json(response);
    }

    private Found refreshed(Found found) {
        return new Found(
                found.id(),
                tasks.status(found.status().taskId()).orElseThrow(() -> notFound(found.id())),
                found.mode());
    }

    private Reply delete(Found found) {
        String taskId = found.status().taskId();
        if (!found.status().state().isFinal()) {
            tasks.cancel(taskId);
        }
        records.delete(taskId);
        ObjectNode deleted = Json.object();
        deleted.put("id", found.id());
        deleted.put("object", "response.deleted");
        deleted.put("deleted", true);
        return json(deleted);
    }
}
