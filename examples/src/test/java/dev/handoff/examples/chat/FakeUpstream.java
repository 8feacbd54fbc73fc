// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server with OpenAI's API whose answers tests write byte by byte, on real connections. It has the model {@code tiny}. It plays the scripts
 * one after the other, one for each request for an answer, and repeats the last one.
 */
final class FakeUpstream implements AutoCloseable {

    /** Writes the answer to one request. The connection is closed after it. */
    interface Script {
        void play(Exchange exchange) throws IOException, InterruptedException;
    }

    /** One request for an answer. */
    record Request(String method, String target, List<String> fields, String body) {

        JsonNode json() {
            try {
                return Json.parse(body);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The lines of the head that begin with a name. */
        List<String> lines(String name) {
            return fields.stream()
                    .filter(line -> line.regionMatches(true, 0, name + ':', 0, name.length() + 1))
                    .toList();
        }
    }

    /** A request, and the connection for its answer. */
    record Exchange(Request request, InputStream in, OutputStream out, CountDownLatch left, CountDownLatch released) {

        Exchange write(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
            return this;
        }

        /** Writes a whole answer with its length. */
        void answer(String status, String head, String body) throws IOException {
            write("HTTP/1.1 " + status + "\r\n" + head + "Content-Length: "
                    + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
        }

        /** Writes the head of a stream that ends when the connection is closed. */
        Exchange stream() throws IOException {
            return write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
        }

        /** Writes the head of a stream in chunks, so that a cut can be told from the end. */
        Exchange chunked() throws IOException {
            return write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        }

        /** Writes bytes as a chunk of HTTP. */
        Exchange part(String text) throws IOException {
            int length = text.getBytes(StandardCharsets.UTF_8).length;
            return write(Integer.toHexString(length) + "\r\n" + text + "\r\n");
        }

        /** Waits until the client closes the connection, or the test ends. */
        void awaitClose() throws IOException {
            try {
                while (in.read() >= 0) {
                    // Nothing is expected.
                }
            } catch (IOException e) {
                // A reset is a close, too.
            }
            left.countDown();
        }
    }

    private final ServerSocket listener;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch left = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final AtomicInteger played = new AtomicInteger();
    private final List<Script> scripts;

    private FakeUpstream(List<Script> scripts) throws IOException {
        this.scripts = scripts;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::listen);
    }

    static FakeUpstream start(Script... scripts) throws IOException {
        return new FakeUpstream(List.of(scripts));
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort() + "/v1";
    }

    /** The requests for answers until now. */
    List<Request> requests() {
        return requests;
    }

    /** Counted down when a client has left an exchange that waits for that. */
    CountDownLatch left() {
        return left;
    }

    /** Lets the scripts go on that wait for it. */
    void release() {
        released.countDown();
    }

    private void listen() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                open.add(socket);
                threads.execute(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            String[] first = line(in).split(" ");
            List<String> fields = new ArrayList<>();
            int length = 0;
            for (String field = line(in); !field.isEmpty(); field = line(in)) {
                fields.add(field);
                if (field.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                    length = Integer.parseInt(field.substring(15).strip());
                }
            }
            String body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
            Request request = new Request(first[0], first[1], fields, body);
            Exchange exchange = new Exchange(request, in, socket.getOutputStream(), left, released);
            if (request.target().endsWith("/models")) {
                exchange.answer(
                        "200 OK",
                        "Content-Type: application/json\r\nConnection: close\r\n",
                        "{\"data\":[{\"id\":\"tiny\",\"created\":5}]}");
            } else {
                requests.add(request);
                scripts.get(Math.min(played.getAndIncrement(), scripts.size() - 1))
                        .play(exchange);
            }
        } catch (IOException e) {
            // The client has closed the connection.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(socket);
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("the connection was closed");
            }
            line.append((char) c);
        }
        return line.toString().strip();
    }

    @Override
    public void close() throws IOException {
        released.countDown();
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
        threads.shutdownNow();
    }
}
