// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import dev.handoff.time.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of operations on the database.
 *
 * @param eventRetention how long a batch of events is kept after it was written
 * @param taskRetention how long a task is kept after its end; must not be less than {@code eventRetention}
 * @param timeout the time limit of one operation
 * @param writeConcern the write concern of events; null to use the one of the connection string, or {@code majority} if the string names
 *     none
 * @param readConcern the read concern of events; null to use the one of the connection string, or {@code majority} if the string names
 *     none. A standalone server gets no read concern
 * @param ticker the source of monotonic time
 */
public record DatabaseSettings(
        Duration eventRetention,
        Duration taskRetention,
        Duration timeout,
        @Nullable WriteConcern writeConcern,
        @Nullable ReadConcern readConcern,
        Ticker ticker) {

    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);

    /** Returns settings with these retention times, a time limit of five seconds and the concerns of the connection string. */
    public static DatabaseSettings keeping(Duration events, Duration tasks) {
        return new DatabaseSettings(events, tasks, DEFAULT_TIMEOUT, null, null, Ticker.system());
    }

    /** Returns a copy with another time limit for one operation. */
    public DatabaseSettings withTimeout(Duration limit) {
        return new DatabaseSettings(eventRetention, taskRetention, limit, writeConcern, readConcern, ticker);
    }

    /** Returns a copy with another write concern for events; null to use the one of the connection string. */
    public DatabaseSettings withWriteConcern(@Nullable WriteConcern concern) {
        return new DatabaseSettings(eventRetention, taskRetention, timeout, concern, readConcern, ticker);
    }

    /** Returns a copy with another read concern for events; null to use the one of the connection string. */
    public DatabaseSettings withReadConcern(@Nullable ReadConcern concern) {
        return new DatabaseSettings(eventRetention, taskRetention, timeout, writeConcern, concern, ticker);
    }

    /** Returns a copy with another source of monotonic time. */
    public DatabaseSettings withTicker(Ticker source) {
        return new DatabaseSettings(eventRetention, taskRetention, timeout, writeConcern, readConcern, source);
    }
}
