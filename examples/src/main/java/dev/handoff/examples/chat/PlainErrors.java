// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** Writes the errors of Jetty itself, for example for a malformed request, in the format of the API and without internal details. */
final class PlainErrors extends ErrorHandler {

    /** By default Jetty sends no body to methods such as DELETE and OPTIONS. */
    @Override
    public boolean errorPageForMethod(String method) {
        return true;
    }

    @Override
    protected void generateResponse(
            Request request,
            Response response,
            int code,
            @Nullable String message,
            @Nullable Throwable cause,
            Callback callback) {
        Problem problem = problem(code < 400 ? 500 : code, message);
        OpenAiErrors.reply(problem)
                .headers()
                .forEach((name, values) -> response.getHeaders().put(name, values));
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        ByteBuffer body = ByteBuffer.wrap(OpenAiErrors.body(problem).getBytes(StandardCharsets.UTF_8));
        response.write(true, body, callback);
    }

    private static Problem problem(int status, @Nullable String message) {
        if (status == 503) {
            return new Problem(status, "overloaded", "The server has too much to do at the moment. Try again.");
        }
        String detail = status >= 500 || message == null ? "The request could not be served." : message;
        return new Problem(status, status < 500 ? "bad_request" : "internal_error", detail);
    }
}
