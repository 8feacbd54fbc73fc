// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.RedirectPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The properties that begin with {@code handoff.}.
 *
 * @param secret Secret with which tokens are sealed, any text of at least 32 characters. All processes need the same one. Make one with
 *     "openssl rand -base64 32".
 * @param previousSecrets Earlier secrets. Tokens that were sealed with them are still accepted.
 * @param roles What this process does: "app" accepts requests and redirects them, "worker" runs handlers, "stream" delivers streams.
 * @param store Where tasks and streams are kept. By default in MongoDB if handoff-mongo is on the class path and a MongoDB is named, else
 *     in memory.
 * @param routes Paths whose POST requests become tasks, by type of task. The payload of a task is the body of its request.
 * @param joinRetriesWithin How long after a request its retries join the running task even if they have no Idempotency-Key.
 *     With 0 they never join it.
 * @param redirect How clients are sent to their stream.
 * @param eventsPath Path of the streams within this application.
 * @param eventsUrl Where clients find the streams, if not in this application: a path on the host of the request, or an absolute URL.
 * @param filterOrder Order of the filter that hands requests off. It must run after the filters that authenticate the user.
 * @param tokenLifetime How long a token can be used.
 * @param retention How long a stream is kept: after its end in memory (default 1 hour), after each write in MongoDB (default 24 hours).
 * @param cancelUnattendedAfter Cancels a task whose stream has had no reader for this time. By default tasks go on.
 * @param heartbeat Time without a write after which a heartbeat is sent.
 * @param retry How long clients should wait before they reconnect. By default the clients decide.
 * @param writeDeadline How long a client may read nothing before the server cuts its response.
 * @param drainWindow Time over which open streams are interrupted, one after the other, when the application stops.
 * @param cors Access for pages of other origins.
 * @param limits Limits for the size and the speed of requests and streams.
 * @param worker Settings of workers.
 * @param mongo Settings for MongoDB.
 */
@ConfigurationProperties("handoff")
record HandoffProperties(
        @Nullable String secret,
        @DefaultValue List<String> previousSecrets,
        @DefaultValue({"app", "worker", "stream"}) Set<Role> roles,
        @DefaultValue("auto") Store store,
        @DefaultValue Map<String, String> routes,
        @DefaultValue("0s") Duration joinRetriesWithin,
        @DefaultValue("see-other") Redirect redirect,
        @DefaultValue("/events") String eventsPath,
        @Nullable String eventsUrl,
        @DefaultValue("2147483647") int filterOrder,
        @DefaultValue("24h") Duration tokenLifetime,
        @Nullable Duration retention,
        @Nullable Duration cancelUnattendedAfter,
        @DefaultValue("15s") Duration heartbeat,
        @Nullable Duration retry,
        @DefaultValue("30s") Duration writeDeadline,
        @DefaultValue("5s") Duration drainWindow,
        @DefaultValue Cors cors,
        @DefaultValue Limits limits,
        @DefaultValue Worker worker,
        @DefaultValue Mongo mongo) {

    /** A part of the work that a process can do. */
    enum Role {
        /** Accepts requests and redirects them. */
        APP,
        /** Runs handlers. */
        WORKER,
        /** Delivers streams. */
        STREAM
    }

    /** Where tasks and streams are kept. */
    enum Store {
        /** In MongoDB if the application names one, else in memory. */
        AUTO,
        /** In the memory of this process. */
        MEMORY,
        /** In MongoDB. */
        MONGO
    }

    /** How clients are sent to their stream. */
    enum Redirect {
        /** 303 See Other. */
        SEE_OTHER,
        /** 302 Found. */
        FOUND,
        /** 307 Temporary Redirect. */
        TEMPORARY,
        /** 303 with X-Accel-Redirect, for a proxy that hides the redirect. */
        ACCEL,
        /** 202 Accepted, with the address of the stream. */
        ACCEPTED,
        /** 202 for clients that send "Prefer: respond-async", 303 for others. */
        NEGOTIATED;

        RedirectPolicy policy() {
            return switch (this) {
                case SEE_OTHER -> RedirectPolicy.seeOther();
                case FOUND -> RedirectPolicy.found();
                case TEMPORARY -> RedirectPolicy.temporary();
                case ACCEL -> RedirectPolicy.accel();
                case ACCEPTED -> RedirectPolicy.accepted();
                case NEGOTIATED -> RedirectPolicy.negotiated(RedirectPolicy.seeOther());
            };
        }
    }

    /**
     * Access for pages of other origins.
     *
     * @param origins Origins whose pages may read streams, such as "https://chat.example.com"; "*" for all.
     * @param credentials Whether these pages may send credentials. A token needs none.
     */
    record Cors(
            @DefaultValue List<String> origins,
            @DefaultValue("false") boolean credentials) {}

    /**
     * Limits. A limit that is not set has the default of the library.
     *
     * @param body Largest body of a request that is handed off (default 16 MB).
     * @param bodiesInFlight Most bytes of the bodies of all such requests at the same time (default an eighth of the heap).
     * @param bodyDeadline How long a body may take to arrive (default 60 seconds).
     * @param minBodyRate Lowest average rate at which a body may arrive, in bytes per second (default 1024).
     * @param waitingBodies How many threads may wait for bodies at the same time (default 100 on Tomcat and Jetty).
     * @param stream In memory: most bytes of one stream (default 64 MB).
     * @param streams In memory: most bytes of all streams (default a quarter of the heap).
     * @param pendingTasks In memory: most bytes of the tasks that are queued or running (default an eighth of the heap).
     */
    record Limits(
            @Nullable DataSize body,
            @Nullable DataSize bodiesInFlight,
            @Nullable Duration bodyDeadline,
            @Nullable Integer minBodyRate,
            @Nullable Integer waitingBodies,
            @Nullable DataSize stream,
            @Nullable DataSize streams,
            @Nullable DataSize pendingTasks) {}

    /**
     * Settings of workers.
     *
     * @param maxRunning How many tasks run at the same time in this process.
     * @param maxQueued In memory: how many more tasks wait. Requests beyond that are refused with status 503.
     * @param finishWithin How long running tasks may go on when the application stops (default: the drain window).
     */
    record Worker(
            @DefaultValue("100") int maxRunning,
            @DefaultValue("1000") int maxQueued,
            @Nullable Duration finishWithin) {}

    /**
     * Settings for MongoDB.
     *
     * @param database Name of the database (default: that of the connection string, else "handoff").
     * @param createIndexes Whether the application creates the indexes. If not, it only checks them.
     * @param lease How long a worker may be silent before other processes take its tasks from it.
     */
    record Mongo(
            @Nullable String database,
            @DefaultValue("true") boolean createIndexes,
            @DefaultValue("10s") Duration lease) {}

    boolean has(Role role) {
        return roles.contains(role);
    }

    /** Returns how long running tasks may go on when the application stops. */
    Duration finishWithin() {
        return worker.finishWithin == null ? drainWindow : worker.finishWithin;
    }

    /** Returns no values, because some are secrets. */
    @Override
    public String toString() {
        return "HandoffProperties";
    }
}
