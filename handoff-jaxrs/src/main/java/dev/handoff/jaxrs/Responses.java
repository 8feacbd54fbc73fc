// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import dev.handoff.http.Reply;
import jakarta.ws.rs.core.Response;

/** Converts the replies of the core to responses of JAX-RS. */
public final class Responses {

    private Responses() {}

    /** Returns the response with the status, the header fields and the content of a reply. */
    public static Response of(Reply reply) {
        Response.ResponseBuilder response = Response.status(reply.status());
        reply.headers().forEach((name, values) -> values.forEach(value -> response.header(name, value)));
        if (reply.hasBody()) {
            response.entity(reply.bytes());
        }
        return response.build();
    }
}
