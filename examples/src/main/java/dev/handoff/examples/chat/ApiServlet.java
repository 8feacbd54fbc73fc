// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import dev.handoff.servlet.ServletHandoffRequest;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Answers the requests that are not handed off: the list of models, requests for responses that were begun before, and errors for all other
 * requests. Valid requests for completions and new responses do not reach this servlet, because the filter before it hands them off.
 * Thread-safe.
 */
final class ApiServlet extends HttpServlet {

    private static final long serialVersionUID = 1;
    private static final int MAX_SHOWN_CHARS = 50;

    private static final String RESPONSES = "/responses";

    private final transient ModelCatalog catalog;
    private final transient Responses responses;

    ApiServlet(ModelCatalog catalog, Responses responses) {
        this.catalog = catalog;
        this.responses = responses;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        ServletReplies.write(response, reply(request));
    }

    /** Returns the answer to a request on an unknown path. The usual reason is a base URL without its prefix. */
    static Reply unknownUrl(HttpServletRequest request) {
        String path = request.getRequestURI();
        // A long path can be the path of a stream, sent to the wrong server. Clients log error messages, so these must
        // not hold its token.
        String shown = path.length() > MAX_SHOWN_CHARS ? path.substring(0, MAX_SHOWN_CHARS) + "..." : path;
        return OpenAiErrors.reply(new Problem(
                404,
                "unknown_url",
                "There is nothing at " + shown
                        + ". The API is at /v1, with POST /v1/chat/completions, POST /v1/responses and GET /v1/models:"
                        + " the base URL of a client ends in /v1."));
    }

    /** Returns the methods that the path of a request allows, separated by commas. */
    static String methods(HttpServletRequest request) {
        String path = path(request);
        if (path.equals("/chat/completions")) {
            return "POST";
        }
        return ofResponses(path).orElse("GET, HEAD");
    }

    private static String path(HttpServletRequest request) {
        return request.getPathInfo() == null ? "/" : request.getPathInfo();
    }

    /** Returns the methods of a path of the Responses API; empty for another path. */
    private static Optional<String> ofResponses(String path) {
        return path.startsWith(RESPONSES) ? Responses.methods(path.substring(RESPONSES.length())) : Optional.empty();
    }

    private Reply reply(HttpServletRequest request) {
        String path = path(request);
        Optional<String> methods = ofResponses(path);
        if (methods.isPresent()) {
            return path.equals(RESPONSES) || !List.of(methods.get().split(", ")).contains(request.getMethod())
                    ? methodNotAllowed(methods.get())
                    : responses.reply(
                            ServletHandoffRequest.of(request, KeyFilter::subject), path.substring(RESPONSES.length()));
        }
        if (path.equals("/chat/completions")) {
            return methodNotAllowed("POST");
        }
        if (!path.equals("/models") && !path.startsWith("/models/")) {
            return unknownUrl(request);
        }
        if (!request.getMethod().equals("GET") && !request.getMethod().equals("HEAD")) {
            return methodNotAllowed("GET, HEAD");
        }
        return path.equals("/models") ? models() : model(path.substring("/models/".length()));
    }

    private Reply models() {
        ArrayNode data = Json.array();
        catalog.models().forEach(m -> data.add(m.toJson()));
        ObjectNode list = Json.object();
        list.put("object", "list");
        list.set("data", data);
        return Reply.of(200, Reply.JSON, list.toString());
    }

    private Reply model(String id) {
        return catalog.find(id)
                .map(m -> Reply.of(200, Reply.JSON, m.toJson().toString()))
                .orElseGet(() -> OpenAiErrors.reply(
                        new Problem(404, "model_not_found", "'model' is " + id + ", which is not there.")));
    }

    /** Returns the answer to a method that the path does not allow. */
    static Reply methodNotAllowed(String allowed) {
        return OpenAiErrors.reply(ProblemCode.METHOD_NOT_ALLOWED.problem("Only " + allowed + " can be used here."))
                .with("Allow", allowed);
    }
}
