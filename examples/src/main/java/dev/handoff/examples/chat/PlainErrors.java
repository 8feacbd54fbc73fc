package dev.handoff.examples.chat;

import dev.handoff.Problem;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** What Jetty itself has to refuse, such as a malformed request, in the form of the API and without its inner life. */
final class PlainErrors extends ErrorHandler {

    @Override
    protected void generateResponse(
            Request request,
            Response response,
            int code,
            @Nullable String message,
            @Nullable Throwable cause,
            Callback callback) {
        String detail = code >= 500 || message == null ? "The request could not be served." : message;
        Problem problem = new Problem(code < 400 ? 500 : code, code < 500 ? "bad_request" : "internal_error", detail);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        ByteBuffer body = ByteBuffer.wrap(OpenAiErrors.body(problem).getBytes(StandardCharsets.UTF_8));
        response.write(true, body, callback);
    }
}
