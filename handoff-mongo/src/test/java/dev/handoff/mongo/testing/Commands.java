// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import com.mongodb.event.CommandFailedEvent;
import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandStartedEvent;
import com.mongodb.event.CommandSucceededEvent;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.bson.BsonDocument;

/** What a client has asked its server. */
public final class Commands implements CommandListener {

    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final List<BsonDocument> started = new CopyOnWriteArrayList<>();
    private final AtomicInteger inserting = new AtomicInteger();
    private final AtomicInteger mostInserting = new AtomicInteger();

    public int count(String command) {
        return counts.getOrDefault(command, new AtomicInteger()).get();
    }

    /** All commands, in order. */
    public List<BsonDocument> started() {
        return List.copyOf(started);
    }

    /** The commands of this name, in order. */
    public List<BsonDocument> started(String command) {
        return started.stream().filter(d -> d.containsKey(command)).toList();
    }

    /** The streams of which each insert into the store has had documents. */
    public List<List<String>> inserted() {
        return started("insert").stream()
                .map(d -> d.getArray("documents").stream()
                        .map(i -> i.asDocument().getString("stream").getValue())
                        .toList())
                .toList();
    }

    /** How many inserts were in flight at a time, at most. */
    public int mostInserting() {
        return mostInserting.get();
    }

    public void clear() {
        counts.clear();
        started.clear();
    }

    @Override
    public void commandStarted(CommandStartedEvent event) {
        String name = event.getCommandName();
        counts.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
        if (name.equals("insert")) {
            mostInserting.accumulateAndGet(inserting.incrementAndGet(), Math::max);
        }
        // The document lives only as long as this call.
        started.add(BsonDocument.parse(event.getCommand().toJson()));
    }

    @Override
    public void commandSucceeded(CommandSucceededEvent event) {
        finished(event.getCommandName());
    }

    @Override
    public void commandFailed(CommandFailedEvent event) {
        finished(event.getCommandName());
    }

    private void finished(String name) {
        if (name.equals("insert")) {
            inserting.decrementAndGet();
        }
    }
}
