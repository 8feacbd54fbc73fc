// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.util.List;

/**
 * A stand-in for MongoDB in this process, for machines that have none. It is wrapped, since it answers with its live
 * documents: two callers then get the same counter, and a document that changes while it is sent breaks the connection.
 */
public class StandIn extends MemoryBackend {

    public StandIn() {
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

    /** A server on a free port; its URL is {@link MongoServer#getConnectionString}. */
    public static MongoServer start() {
        MongoServer server = new MongoServer(new StandIn());
        server.bind();
        return server;
    }

    @Override
    public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
        // It knows only the older name.
        String known = command.equals("hello") ? "isMaster" : command;
        return super.handleCommand(channel, database, known, query).cloneDeeply();
    }
}
