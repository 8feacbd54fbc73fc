// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Objects;

/** Serves the chat page: three files, which load nothing from other servers. Thread-safe. */
final class PageServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    /**
     * Describes a file that is served.
     *
     * @param resource the name of the file in the package of this class
     * @param type its media type
     */
    private record Asset(String resource, String type) {}

    private static final Map<String, Asset> ASSETS = Map.of(
            "/", new Asset("index.html", "text/html;charset=utf-8"),
            "/chat.css", new Asset("chat.css", "text/css;charset=utf-8"),
            "/chat.js", new Asset("chat.js", "text/javascript;charset=utf-8"));

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Asset asset = ASSETS.get(request.getServletPath());
        if (asset == null) {
            ServletReplies.write(response, ApiServlet.unknownUrl(request));
            return;
        }
        switch (request.getMethod()) {
            case "GET", "HEAD" -> send(asset, response);
            case "OPTIONS" -> ServletReplies.write(response, Reply.of(204).with("Allow", "GET, HEAD, OPTIONS"));
            default -> ServletReplies.write(response, ApiServlet.methodNotAllowed("GET, HEAD"));
        }
    }

    private static void send(Asset asset, HttpServletResponse response) throws IOException {
        response.setContentType(asset.type());
        response.setHeader("Cache-Control", "no-cache");
        response.setHeader("Referrer-Policy", "no-referrer");
        response.setHeader(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
                        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        try (InputStream file = PageServlet.class.getResourceAsStream(asset.resource())) {
            response.getOutputStream().write(Objects.requireNonNull(file).readAllBytes());
        }
    }
}
