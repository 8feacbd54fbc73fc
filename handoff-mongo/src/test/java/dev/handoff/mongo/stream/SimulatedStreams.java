// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;

/** Makes event stores of parts that a test supplies. */
public final class SimulatedStreams {

    private SimulatedStreams() {}

    /** Returns a store that uses these parts instead of a driver, threads and clocks of its own. */
    public static MongoEventStore store(
            Database database,
            ScheduledExecutorService executor,
            Executor hints,
            Duration shortestPoll,
            Duration longestPoll,
            Duration linger,
            Duration retryFor,
            Ticker ticker,
            Supplier<Lock> locks) {
        return MongoEventStore.builder(executor)
                .hintExecutor(hints)
                .poll(shortestPoll, longestPoll)
                .linger(linger)
                .retryFor(retryFor)
                .ticker(ticker)
                .build(database, locks);
    }

    /** Returns what follows the streams that have readers in the process of a store. */
    public static TailPoller tail(MongoEventStore store) {
        return store.tail();
    }
}
