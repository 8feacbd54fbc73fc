// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Stores the data of the stand-in in memory. It runs one command at a time and answers with copies. The superclass answers with its live
 * documents: two callers get the same counter, and a document that changes while it is sent breaks the connection. This class also uses a
 * unique index of two fields for ranges.
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
    public MemoryDatabase openOrCreateDatabase(String name) {
        return new MemoryDatabase(name, getCursorRegistry()) {
            @Override
            protected Index<Integer> openOrCreateUniqueIndex(
                    String collection, String index, List<IndexKey> keys, boolean sparse) {
                return keys.size() == 2 && !sparse
                        ? new StandInIndex(index, keys)
                        : super.openOrCreateUniqueIndex(collection, index, keys, sparse);
            }
        };
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
        lock.lock();
        try {
            // The superclass knows only the older name of the command.
            String known = command.equals("hello") ? "isMaster" : command;
            return super.handleCommand(channel, database, known, query).cloneDeeply();
        } finally {
            lock.unlock();
        }
    }
}
