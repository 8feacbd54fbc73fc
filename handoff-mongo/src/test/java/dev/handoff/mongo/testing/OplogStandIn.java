// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.OplogCursor;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A stand-in with change streams, which wait for writes as those of MongoDB do, and can be made to break. A reader that waits
 * blocks a thread of the server, so it has many.
 */
public final class OplogStandIn extends StandIn {

    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify");
    private static final int BROKEN = 286;
    private static final int REFUSED = 40573;

    private boolean available = true;
    private int opened;

    public OplogStandIn() {
        enableOplog();
    }

    public MongoServer serve() {
        MongoServer server = new MongoServer(this);
        server.bind(new InetSocketAddress("127.0.0.1", 0), 1, 32);
        return server;
    }

    /** Breaks the change streams that are open and refuses new ones, or allows them again. */
    public synchronized void available(boolean available) {
        this.available = available;
        notifyAll();
    }

    /** How many change streams were opened so far. */
    public synchronized int opened() {
        return opened;
    }

    @Override
    public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
        String name = command.toLowerCase(Locale.ROOT);
        if (isOpening(name, query)) {
            if (!available) {
                return failure(REFUSED, "The $changeStream stage is only supported on replica sets");
            }
            opened++;
        }
        if (name.equals("getmore") && isTail(((Number) query.get(command)).longValue())) {
            return awaitChange(channel, database, command, query);
        }
        Document reply = super.handleCommand(channel, database, command, query);
        if (WRITES.contains(name)) {
            notifyAll();
        }
        return reply;
    }

    private Document awaitChange(Channel channel, String database, String command, Document query) {
        long millis = ((Number) query.getOrDefault("maxTimeMS", 1000)).longValue();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (true) {
            if (!available) {
                getCursorRegistry().remove(((Number) query.get(command)).longValue());
                return failure(BROKEN, "Resume of change stream was not possible");
            }
            Document reply = super.handleCommand(channel, database, command, query);
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            boolean empty = ((List<?>) ((Document) reply.get("cursor")).get("nextBatch")).isEmpty();
            if (left <= 0 || !empty || !channel.isActive()) {
                return reply;
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return reply;
            }
        }
    }

    private boolean isTail(long cursor) {
        try {
            return getCursorRegistry().getCursor(cursor) instanceof OplogCursor;
        } catch (RuntimeException e) {
            // It is not there, which the server will say.
            return false;
        }
    }

    private static boolean isOpening(String name, Document query) {
        return name.equals("aggregate")
                && query.get("pipeline") instanceof List<?> pipeline
                && !pipeline.isEmpty()
                && pipeline.get(0) instanceof Document stage
                && stage.containsKey("$changeStream");
    }

    private static Document failure(int code, String message) {
        return new Document("ok", 0.0).append("errmsg", message).append("code", code);
    }
}
