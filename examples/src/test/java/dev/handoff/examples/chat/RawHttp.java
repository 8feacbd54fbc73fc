// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** Requests written by hand, for what no HTTP client sends as it is given. */
final class RawHttp {

    private RawHttp() {}

    /** The answer to a request. */
    record Answer(int status, String head, String body) {

        static Answer parse(String text) {
            int blank = text.indexOf("\r\n\r\n");
            if (blank < 0) {
                throw new AssertionError("no answer: " + text);
            }
            return new Answer(
                    Integer.parseInt(text.substring(9, 12)), text.substring(0, blank), text.substring(blank + 4));
        }

        Optional<String> header(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ':';
            return head.lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(line -> line.substring(prefix.length()).strip())
                    .findFirst();
        }
    }

    /** Sends one request on a connection of its own, with these header lines. */
    static Answer send(URI server, String method, String target, String body, String... headerLines) {
        StringBuilder request = new StringBuilder(method + ' ' + target + " HTTP/1.1\r\n");
        boolean hostGiven = false;
        for (String line : headerLines) {
            hostGiven |= line.startsWith("Host:");
            request.append(line).append("\r\n");
        }
        if (!hostGiven) {
            request.append("Host: ").append(server.getAuthority()).append("\r\n");
        }
        if (!body.isEmpty()) {
            request.append("Content-Length: ").append(body.length()).append("\r\n");
        }
        request.append("Connection: close\r\n\r\n").append(body);
        try (Socket socket = new Socket(server.getHost(), server.getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
            return Answer.parse(readAll(socket.getInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(method + ' ' + target, e);
        }
    }

    private static String readAll(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    /**
     * Opens a stream. Unlike the JDK's client, which drops what it has received when the connection is aborted, the reader
     * gives every event that came before.
     */
    static EventReader read(URI stream) {
        try {
            Socket socket = new Socket(stream.getHost(), stream.getPort());
            socket.setSoTimeout(20_000);
            String query = stream.getRawQuery() == null ? "" : '?' + stream.getRawQuery();
            String request =
                    "GET " + stream.getRawPath() + query + " HTTP/1.1\r\nHost: " + stream.getAuthority() + "\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            InputStream in = new BufferedInputStream(socket.getInputStream());
            String status = line(in);
            String field = line(in);
            while (!field.isEmpty()) {
                field = line(in);
            }
            if (!status.startsWith("HTTP/1.1 200")) {
                throw new AssertionError(status);
            }
            return new EventReader(new Chunks(in, socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the connection was closed in mid-answer");
            }
            line.append((char) c);
        }
        return line.toString().strip();
    }

    /** The content of an answer in chunks; fails if the connection is closed before the last one. */
    private static final class Chunks extends InputStream {

        private final InputStream in;
        private final Socket socket;
        private int left;
        private boolean begun;
        private boolean ended;

        Chunks(InputStream in, Socket socket) {
            this.in = in;
            this.socket = socket;
        }

        @Override
        public int read() throws IOException {
            if (left == 0 && !ended) {
                // Jetty sends the line break behind a chunk together with the next one.
                if (begun) {
                    line(in);
                }
                begun = true;
                left = Integer.parseInt(line(in), 16);
                ended = left == 0;
            }
            if (ended) {
                return -1;
            }
            int next = in.read();
            if (next < 0) {
                throw new EOFException("the connection was closed in mid-answer");
            }
            left--;
            return next;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int next = read();
            if (next < 0) {
                return -1;
            }
            bytes[offset] = (byte) next;
            return 1;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
