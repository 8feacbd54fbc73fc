// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import com.mongodb.ConnectionString;
import com.mongodb.MongoClientSettings;
import com.mongodb.ServerAddress;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import com.mongodb.connection.ClusterConnectionMode;
import com.mongodb.event.CommandListener;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.MongoIndexes;
import io.netty.channel.Channel;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A database for tests, which is dropped afterwards: on the server that {@code -Dhandoff.mongo.uri=} names, else on the
 * stand-in.
 */
public final class Mongo implements AutoCloseable {

    private final @Nullable MongoServer standIn;
    private final String uri;
    private final MongoClient client;
    private final List<MongoClient> others = new ArrayList<>();
    public final MongoDatabase database;

    private Mongo(@Nullable MongoServer standIn, String uri) {
        this.standIn = standIn;
        this.uri = uri;
        this.client = MongoClients.create(uri);
        this.database = client.getDatabase(
                "handoff_test_" + UUID.randomUUID().toString().replace("-", ""));
        MongoIndexes.create(database);
    }

    public static Mongo start() {
        String uri = System.getProperty("handoff.mongo.uri", "");
        if (!uri.isEmpty()) {
            return new Mongo(null, uri);
        }
        MongoServer server = StandIn.start();
        return new Mongo(server, server.getConnectionString());
    }

    /** Starts a stand-in whose time is that of a clock. */
    public static Mongo start(Clock clock) {
        MongoServer server = new MongoServer(new StandIn() {
            @Override
            public synchronized de.bwaldvogel.mongo.bson.Document handleCommand(
                    Channel channel, String database, String command, de.bwaldvogel.mongo.bson.Document query) {
                de.bwaldvogel.mongo.bson.Document answer = super.handleCommand(channel, database, command, query);
                if (answer.containsKey("localTime")) {
                    answer.put("localTime", clock.instant());
                }
                return answer;
            }
        });
        server.bind();
        return new Mongo(server, server.getConnectionString());
    }

    /** The same database as another process sees it: through a client of its own. */
    public MongoDatabase connect(CommandListener... listeners) {
        return connect(
                MongoClientSettings.builder().applyConnectionString(new ConnectionString(uri)), List.of(listeners));
    }

    /** The same database behind a proxy, with a client that soon gives up looking for the server. */
    public MongoDatabase connect(TcpProxy proxy, CommandListener... listeners) {
        return connect(
                MongoClientSettings.builder()
                        .applyConnectionString(new ConnectionString(uri))
                        .applyToClusterSettings(c -> c.hosts(List.of(new ServerAddress("127.0.0.1", proxy.port())))
                                .mode(ClusterConnectionMode.SINGLE)
                                .serverSelectionTimeout(300, TimeUnit.MILLISECONDS))
                        .applyToServerSettings(s -> s.heartbeatFrequency(100, TimeUnit.MILLISECONDS)
                                .minHeartbeatFrequency(20, TimeUnit.MILLISECONDS))
                        .applyToSocketSettings(s -> s.connectTimeout(300, TimeUnit.MILLISECONDS)),
                List.of(listeners));
    }

    private MongoDatabase connect(MongoClientSettings.Builder settings, List<CommandListener> listeners) {
        settings.commandListenerList(listeners);
        MongoClient other = MongoClients.create(settings.build());
        others.add(other);
        return other.getDatabase(database.getName());
    }

    /** The address of the server, for a proxy before it. */
    public ServerAddress address() {
        return new ServerAddress(new ConnectionString(uri).getHosts().get(0));
    }

    @Override
    public void close() {
        others.forEach(MongoClient::close);
        database.drop();
        client.close();
        if (standIn != null) {
            standIn.shutdownNow();
        }
    }
}
