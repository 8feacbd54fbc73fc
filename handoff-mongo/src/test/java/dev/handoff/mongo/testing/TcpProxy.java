// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.testing;

import com.mongodb.ServerAddress;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A network before a MongoDB that fails when it is told to. It knows where a message begins and ends. */
public final class TcpProxy implements AutoCloseable {

    /** What becomes of the answer to a command. */
    private record Fault(byte[] command, boolean cut) {}

    private final ServerAddress target;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable Fault> fault = new AtomicReference<>();
    private final AtomicInteger swallowed = new AtomicInteger();
    private final ServerSocket listener;
    private volatile boolean away;

    public TcpProxy(ServerAddress target) throws IOException {
        this.target = target;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /**
     * Cuts all connections, and each new one at once. The port stays taken: a client that tries to connect to a free one may be
     * given that very port for its own side, and then nobody could listen there again.
     */
    public void goAway() {
        away = true;
        sockets.forEach(TcpProxy::cut);
    }

    public void comeBack() {
        away = false;
    }

    /** The next such command is done, but before it is answered the connection is cut. */
    public void cutBeforeAnswer(String command) {
        fault.set(new Fault(name(command), true));
    }

    /** The next such command is done, but its answer never comes, and the connection stays. */
    public void swallowAnswer(String command) {
        fault.set(new Fault(name(command), false));
    }

    /** How many answers did not get through. */
    public int swallowed() {
        return swallowed.get();
    }

    /** A command's name is the first element of its document, after its type, which is a string. */
    private static byte[] name(String command) {
        return ('\u0002' + command + '\0').getBytes(StandardCharsets.ISO_8859_1);
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
                if (away) {
                    cut(client);
                    cut(server);
                } else {
                    connect(client, server);
                }
            } catch (IOException e) {
                // The proxy was closed, or it went away at this very moment.
            }
        }
    }

    private void connect(Socket client, Socket server) {
        AtomicReference<@Nullable Fault> struck = new AtomicReference<>();
        threads.execute(() -> pump(client, server, message -> {
            Fault armed = fault.get();
            if (armed != null && begins(message, armed.command) && fault.compareAndSet(armed, null)) {
                struck.set(armed);
            }
            return true;
        }));
        threads.execute(() -> pump(server, client, message -> {
            Fault now = struck.getAndSet(null);
            if (now == null) {
                return true;
            }
            swallowed.incrementAndGet();
            if (now.cut) {
                client.close();
            }
            return false;
        }));
    }

    private static void cut(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Of an OP_MSG: 16 bytes of header, 4 of flags, 1 for the kind of the section, 4 for its length. */
    private static boolean begins(byte[] message, byte[] command) {
        if (message.length < 25 + command.length) {
            return false;
        }
        for (int i = 0; i < command.length; i++) {
            if (message[25 + i] != command[i]) {
                return false;
            }
        }
        return true;
    }

    @FunctionalInterface
    private interface Filter {
        boolean passes(byte[] message) throws IOException;
    }

    private void pump(Socket from, Socket to, Filter filter) {
        try (from;
                to) {
            DataInputStream in = new DataInputStream(from.getInputStream());
            OutputStream out = to.getOutputStream();
            while (true) {
                byte[] length = in.readNBytes(4);
                if (length.length < 4) {
                    throw new EOFException();
                }
                int size =
                        ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getInt();
                byte[] message = new byte[size];
                System.arraycopy(length, 0, message, 0, 4);
                in.readFully(message, 4, size - 4);
                if (filter.passes(message)) {
                    out.write(message);
                }
            }
        } catch (IOException e) {
            // One side is gone, and takes the other with it.
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        goAway();
        threads.shutdownNow();
    }
}
