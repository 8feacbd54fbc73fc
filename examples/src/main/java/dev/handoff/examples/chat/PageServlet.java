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
import org.webjars.WebJarVersionLocator;

/** Serves the chat page, which loads nothing from other servers, and the description of the API. Thread-safe. */
final class PageServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    /**
     * Describes a file that is served.
     *
     * @param resource the path of the file, relative to the package of this class unless it begins with a slash
     * @param type its media type
     */
    private record Asset(String resource, String type) {}

    private static final String CSS = "text/css;charset=utf-8";
    private static final String SCRIPT = "text/javascript;charset=utf-8";

    private static final Map<String, Asset> ASSETS = Map.ofEntries(
            Map.entry("/", new Asset("page/index.html", "text/html;charset=utf-8")),
            Map.entry("/openapi.yaml", new Asset("openapi.yaml", "application/yaml")),
            Map.entry("/chat.css", new Asset("page/chat.css", CSS)),
            Map.entry("/chat.js", new Asset("page/chat.js", SCRIPT)),
            Map.entry("/answer.js", new Asset("page/answer.js", SCRIPT)),
            Map.entry("/conversation.js", new Asset("page/conversation.js", SCRIPT)),
            Map.entry("/events.js", new Asset("page/events.js", SCRIPT)),
            Map.entry("/server.js", new Asset("page/server.js", SCRIPT)),
            Map.entry("/trace.js", new Asset("page/trace.js", SCRIPT)),
            Map.entry("/view.js", new Asset("page/view.js", SCRIPT)),
            Map.entry("/markdown-it.js", new Asset('/' + webJar("markdown-it", "dist/markdown-it.min.js"), SCRIPT)));

    private static String webJar(String name, String file) {
        return Objects.requireNonNull(new WebJarVersionLocator().fullPath(name, file), name);
    }

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
