// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.bson.Document;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class QueuePositionTest {

    private volatile boolean countFails;

    private final MongoServer server = new MongoServer(new StandIn() {
        @Override
        public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
            return countFails && command.equals("aggregate")
                    ? new Document("ok", 0.0)
                            .append("code", 50)
                            .append("errmsg", "a test of a count that takes too long")
                    : super.handleCommand(channel, database, command, query);
        }
    });
    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
    private MongoClient client;
    private MongoTaskQueue queue;

    private MongoDatabase start() {
        server.bind();
        client = MongoClients.create(server.getConnectionString());
        MongoDatabase database = client.getDatabase("test");
        MongoIndexes.create(database);
        MongoEventStore store = MongoEventStore.builder(database, timer).build();
        queue = MongoTaskQueue.builder(database, store, Runnable::run, List.of("work"))
                .build();
        return database;
    }

    @AfterEach
    void stop() {
        timer.shutdownNow();
        client.close();
        server.shutdownNow();
    }

    @Test
    @DisplayName("an accepted task is not refused when the database cannot count the queue")
    void countFails() {
        start();
        queue.dispatch(Task.of("work", "a"));
        countFails = true;
        Task task = Task.of("work", "b");
        assertThat(queue.dispatch(task).state()).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(queue.dispatch(task).queuePosition()).isZero();
        assertThat(queue.status(task.id())).isPresent();
    }

    @Test
    @DisplayName("R15 the queue position is counted up to a thousand")
    void countIsLimited() {
        MongoDatabase database = start();
        List<org.bson.Document> before = new ArrayList<>();
        for (int i = 0; i < 1005; i++) {
            before.add(new org.bson.Document("_id", "before " + i)
                    .append("state", "queued")
                    .append("created", new Date(0)));
        }
        database.getCollection(MongoTaskQueue.COLLECTION).insertMany(before);
        assertThat(queue.dispatch(Task.of("work", "a")).queuePosition()).isEqualTo(TaskStatus.MAX_QUEUE_POSITION);
    }
}
