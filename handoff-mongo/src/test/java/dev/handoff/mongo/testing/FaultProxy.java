// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import com.mongodb.MongoClientSettings;
import com.mongodb.ServerAddress;
import com.mongodb.connection.ClusterConnectionMode;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.bson.BsonDocument;

/**
 * A network between a driver and a server that does to chosen commands what a test asks for. It knows the commands of the wire protocol. Other
 * commands pass, and so do those of the driver's own monitor.
 */
public final class FaultProxy implements AutoCloseable {

    /** What becomes of a command. */
    public sealed interface Fault {

        /** The command does not reach the server, and the connection stays. */
        record Drop() implements Fault {}

        /** The command reaches the server later. */
        record Delay(Duration time) implements Fault {}

        /** The connection is cut instead of passing on the command. */
        record CutBefore() implements Fault {}

        /** The server has done the command. Then the connection is cut. */
        record CutAfter() implements Fault {}

        /** The server has done the command. Its answer is lost, and the connection stays. */
        record SwallowAnswer() implements Fault {}

        /** The command does not reach the server, and is answered with this. */
        record Answer(BsonDocument document) implements Fault {}

        /** The server has done the command. The driver gets another answer. */
        record ChangeAnswer(UnaryOperator<BsonDocument> change) implements Fault {}

        /** An insert reaches the server without some of its documents. The driver is told that each of these failed. */
        record WriteErrors(int code, Set<Integer> failing) implements Fault {}
    }

    private static final class Rule {
        private final String command;
        private final Fault fault;
        private final AtomicInteger left;

        private Rule(String command, Fault fault, int times) {
            this.command = command;
            this.fault = fault;
            this.left = new AtomicInteger(times);
        }

        private boolean strikes(String name) {
            return (command.equals(ANY) ? !name.isEmpty() : command.equals(name))
                    && left.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
        }
    }

    /** What becomes of an answer. Returns the message for the driver, which is empty if the driver gets none. */
    @FunctionalInterface
    private interface Reception {
        byte[] receive(byte[] answer) throws IOException;
    }

    /** Stands for each command, except for those of the driver's monitor. */
    public static final String ANY = "*";

    private static final byte[] NOTHING = {};

    private final ServerAddress target;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final List<Rule> rules = new CopyOnWriteArrayList<>();
    private final Map<String, AtomicInteger> struck = new ConcurrentHashMap<>();
    private final ServerSocket listener;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Object gate = new Object();
    private boolean paused;

    /** Starts a proxy before a server. */
    public FaultProxy(ServerAddress target) throws IOException {
        this.target = target;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    /** Returns the settings of a client that speaks to the server through this proxy, and soon gives up looking for it. */
    public MongoClientSettings.Builder settings() {
        return MongoClientSettings.builder()
                .applyToClusterSettings(c -> c.hosts(List.of(new ServerAddress("127.0.0.1", listener.getLocalPort())))
                        .mode(ClusterConnectionMode.SINGLE)
                        .serverSelectionTimeout(500, TimeUnit.MILLISECONDS))
                .applyToServerSettings(s -> s.heartbeatFrequency(100, TimeUnit.MILLISECONDS)
                        .minHeartbeatFrequency(20, TimeUnit.MILLISECONDS));
    }

    /** Does this to the next commands of this name. */
    public void next(int times, String command, Fault fault) {
        rules.add(new Rule(command, fault, times));
    }

    /** Does this to each command of this name until {@link #repair}. */
    public void always(String command, Fault fault) {
        next(Integer.MAX_VALUE, command, fault);
    }

    /** Passes on all commands again. */
    public void repair() {
        rules.clear();
    }

    /** Returns how many commands of this name were struck so far. */
    public int struck(String command) {
        return struck.getOrDefault(command, new AtomicInteger()).get();
    }

    /** Keeps back all messages of both sides until {@link #resume}. */
    public void pause() {
        synchronized (gate) {
            paused = true;
        }
    }

    /** Passes on what was kept back, and all that follows. */
    public void resume() {
        synchronized (gate) {
            paused = false;
            gate.notifyAll();
        }
    }

    /** Returns an answer that refuses a whole command. */
    public static Fault.Answer error(int code, String codeName, String... labels) {
        return new Fault.Answer(WireMessage.error(code, codeName, labels));
    }

    /** Returns a fault that adds a write concern error to the answer of a command that the server has done. */
    public static Fault.ChangeAnswer writeConcernError(int code, String codeName) {
        return new Fault.ChangeAnswer(
                answer -> answer.append("writeConcernError", WireMessage.writeConcernError(code, codeName)));
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                sockets.add(client);
                Socket server = new Socket(target.getHost(), target.getPort());
                sockets.add(server);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                Connection connection = new Connection(client, server);
                threads.execute(() -> pump(client, server, connection::fromDriver));
                threads.execute(() -> pump(server, client, connection::fromServer));
            } catch (IOException e) {
                // The proxy was closed, or the server is away.
            }
        }
    }

    private final class Connection {

        private final Socket client;
        private final Socket server;
        private final Map<Integer, Reception> receptions = new ConcurrentHashMap<>();

        private Connection(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        private void fromDriver(byte[] bytes) throws IOException, InterruptedException {
            String name = WireMessage.command(bytes);
            for (Rule rule : rules) {
                if (rule.strikes(name)) {
                    // Counted first: the driver can have the answer before the fault is over.
                    struck.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
                    strike(bytes, rule.fault);
                    return;
                }
            }
            send(server, bytes);
        }

        private void strike(byte[] bytes, Fault fault) throws IOException, InterruptedException {
            int id = WireMessage.id(bytes);
            if (fault instanceof Fault.Delay delay) {
                if (!closed.await(delay.time.toMillis(), TimeUnit.MILLISECONDS)) {
                    send(server, bytes);
                }
            } else if (fault instanceof Fault.CutBefore) {
                client.close();
            } else if (fault instanceof Fault.Answer answer) {
                send(client, WireMessage.answer(id, answer.document));
            } else if (fault instanceof Fault.WriteErrors errors) {
                insertSome(bytes, errors);
            } else if (!(fault instanceof Fault.Drop)) {
                receptions.put(id, answer -> receive(answer, fault));
                send(server, bytes);
            }
        }

        private byte[] receive(byte[] answer, Fault fault) throws IOException {
            if (fault instanceof Fault.CutAfter) {
                client.close();
            } else if (fault instanceof Fault.ChangeAnswer changed) {
                return WireMessage.answer(
                        WireMessage.answeredId(answer), changed.change.apply(WireMessage.body(answer)));
            }
            return NOTHING;
        }

        private void insertSome(byte[] bytes, Fault.WriteErrors errors) throws IOException {
            int id = WireMessage.id(bytes);
            List<BsonDocument> documents = WireMessage.documents(bytes);
            List<Integer> kept = new ArrayList<>();
            for (int i = 0; i < documents.size(); i++) {
                if (!errors.failing.contains(i)) {
                    kept.add(i);
                }
            }
            if (kept.isEmpty()) {
                send(client, WireMessage.answer(id, WireMessage.withErrors(errors, documents.size(), kept, null)));
                return;
            }
            receptions.put(
                    id,
                    answer -> WireMessage.answer(
                            id, WireMessage.withErrors(errors, documents.size(), kept, WireMessage.body(answer))));
            send(
                    server,
                    WireMessage.insert(
                            id,
                            WireMessage.body(bytes),
                            kept.stream().map(documents::get).toList()));
        }

        private void fromServer(byte[] bytes) throws IOException {
            Reception reception = receptions.remove(WireMessage.answeredId(bytes));
            send(client, reception == null ? bytes : reception.receive(bytes));
        }
    }

    private static void send(Socket to, byte[] bytes) throws IOException {
        // An answer of the proxy may meet one of the server.
        synchronized (to) {
            to.getOutputStream().write(bytes);
        }
    }

    @FunctionalInterface
    private interface Receiver {
        void receive(byte[] message) throws IOException, InterruptedException;
    }

    private void pump(Socket from, Socket to, Receiver receiver) {
        try (from;
                to) {
            DataInputStream in = new DataInputStream(from.getInputStream());
            while (true) {
                byte[] length = in.readNBytes(4);
                if (length.length < 4) {
                    throw new EOFException();
                }
                byte[] message = new byte
                        [ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getInt()];
                System.arraycopy(length, 0, message, 0, 4);
                in.readFully(message, 4, message.length - 4);
                synchronized (gate) {
                    while (paused) {
                        gate.wait();
                    }
                }
                receiver.receive(message);
            }
        } catch (IOException | InterruptedException e) {
            // One side is gone and takes the other with it, or the proxy is closed.
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    @Override
    public void close() throws IOException {
        closed.countDown();
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
        threads.shutdownNow();
    }
}
