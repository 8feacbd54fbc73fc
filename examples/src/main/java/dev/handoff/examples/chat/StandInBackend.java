package dev.handoff.examples.chat;

import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The memory of the stand-in. Answers with copies, one command at a time: the original answers with its live documents, so
 * that two callers get the same counter, and a document that changes while it is sent breaks the connection.
 */
final class StandInBackend extends MemoryBackend {

    private final ReentrantLock lock = new ReentrantLock();

    StandInBackend() {
        version(new MongoVersion() {
            @Override
            public List<Integer> getVersionArray() {
                return List.of(7, 0, 0, 0);
            }

            @Override
            public int getWireVersion() {
                return 21;
            }
        });
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
        lock.lock();
        try {
            return super.handleCommand(channel, database, command, query).cloneDeeply();
        } finally {
            lock.unlock();
        }
    }
}
