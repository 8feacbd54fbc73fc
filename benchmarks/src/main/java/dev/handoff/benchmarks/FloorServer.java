// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Does the least that any server in Java can do: one thread creates the events, frames them, and writes each with one call to a plain
 * socket. This server has no buffers for slow clients. It reads one request per connection and ignores the path.
 */
@Command(name = "floor", description = "The same stream from bare sockets: one write for each event, and nothing else.")
final class FloorServer implements Callable<Integer> {

    private static final byte[] HEAD =
            ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII);
    private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    @Option(names = "--port", defaultValue = "8080", description = "Where to listen, on 127.0.0.1; 0 for a free port.")
    private int port;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Beat beat = new Beat();
        Thread thread = new Thread(beat, "beat");
        thread.setDaemon(true);
        thread.start();
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 4096);
            spec.commandLine()
                    .getOut()
                    .println("floor server ready on http://127.0.0.1:"
                            + server.socket().getLocalPort());
            spec.commandLine().getOut().flush();
            while (true) {
                begin(server.accept(), beat);
            }
        }
    }

    /** Reads the request and begins its stream. Blocks until the request is complete, which is soon, because clients send it at once. */
    private static void begin(SocketChannel socket, Beat beat) throws IOException {
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        ByteBuffer request = ByteBuffer.allocate(8192);
        String text;
        do {
            if (socket.read(request) < 0) {
                socket.close();
                return;
            }
            text = new String(request.array(), 0, request.position(), StandardCharsets.US_ASCII);
        } while (!text.contains("\r\n\r\n"));
        String target = text.split(" ", 3)[1];
        int question = target.indexOf('?');
        socket.configureBlocking(false);
        socket.write(ByteBuffer.wrap(HEAD));
        beat.add(Storm.parse(question < 0 ? null : target.substring(question + 1)), new Beat.Sink() {
            private final ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
            private int position;

            @Override
            public void emit(String data) {
                byte[] frame =
                        ("id: floor:" + position++ + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
                buffer.clear();
                buffer.put(Integer.toHexString(frame.length).getBytes(StandardCharsets.US_ASCII))
                        .put((byte) '\r')
                        .put((byte) '\n')
                        .put(frame)
                        .put((byte) '\r')
                        .put((byte) '\n')
                        .flip();
                write(buffer);
            }

            @Override
            public void end() {
                write(ByteBuffer.wrap(LAST_CHUNK));
                close();
            }

            private void write(ByteBuffer bytes) {
                try {
                    socket.write(bytes);
                    if (bytes.hasRemaining()) {
                        throw new IllegalStateException("a client reads too slowly for this server");
                    }
                } catch (IOException e) {
                    close();
                    throw new IllegalStateException("a client has left", e);
                }
            }

            private void close() {
                try {
                    socket.close();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        });
    }
}
