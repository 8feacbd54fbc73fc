package dev.handoff.examples.chat;

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
}
