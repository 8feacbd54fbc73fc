// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.store.EventStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Tails streams until all have ended. Two of three readers are slow: they read only now and then. */
final class TailSmallHeapApplication {

    static final String DATABASE = "heap";

    private TailSmallHeapApplication() {}

    static String id(int stream) {
        return String.format("%032x", stream);
    }

    /** Takes the address of the server, the number of streams and the events of each. */
    public static void main(String[] args) throws Exception {
        int streams = Integer.parseInt(args[1]);
        int events = Integer.parseInt(args[2]);
        CountDownLatch open = new CountDownLatch(streams);
        ScheduledExecutorService executor = Executors.newScheduledThreadPool(8);
        try (MongoClient client = MongoClients.create(args[0])) {
            MongoIndexes.create(client.getDatabase(DATABASE));
            MongoEventStore store = MongoEventStore.builder(client.getDatabase(DATABASE), executor)
                    .build();
            List<Reader> readers = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                readers.add(new Reader(store.open(id(i)), i % 3 != 0, events, open));
            }
            for (Reader reader : readers) {
                reader.read();
                executor.scheduleWithFixedDelay(reader::read, 1, 1, TimeUnit.SECONDS);
            }
            System.out.println("following");
            open.await();
            System.out.println("done " + streams);
        } finally {
            executor.shutdownNow();
        }
    }

    private static final class Reader {

        private final EventStream stream;
        private final EventStream.Watch watch;
        private final int events;
        private final CountDownLatch open;
        private long after = EventStream.BEGINNING;
        private int count;
        private boolean ended;

        Reader(EventStream stream, boolean slow, int events, CountDownLatch open) {
            this.stream = stream;
            this.events = events;
            this.open = open;
            this.watch = stream.watch(slow ? () -> {} : this::read);
        }

        synchronized void read() {
            while (!ended) {
                EventStream.Batch batch = stream.read(after, 128);
                if (batch.last() == after && batch.end() == null) {
                    return;
                }
                after = batch.last();
                count += batch.events().size();
                ended = batch.end() != null;
            }
            watch.close();
            if (count == events) {
                open.countDown();
                count = -1;
            }
        }
    }
}
