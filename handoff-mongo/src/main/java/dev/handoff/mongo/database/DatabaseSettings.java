package dev.handoff.mongo.database;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import dev.handoff.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How operations on the database are done.
 *
 * @param eventRetention how long a batch of events is kept after it was written
 * @param taskRetention how long a task is kept after its end; at least as long as its events
 * @param timeout the time limit of one operation
 * @param writeConcern the write concern of events; null for that of the connection string, or {@code majority} if it names none
 * @param readConcern the same for reads. Standalone servers get none
 */
public record DatabaseSettings(
        Duration eventRetention,
        Duration taskRetention,
        Duration timeout,
        @Nullable WriteConcern writeConcern,
        @Nullable ReadConcern readConcern,
        Ticker ticker) {}
