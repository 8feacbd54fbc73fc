// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Reply;
import dev.handoff.token.Grant;

/** Builds the parts of a reply that all {@link RedirectPolicy redirect policies} share. */
final class Redirects {

    private static final String ACCEPTED =
            "The request was accepted. Its answer is at the address in the Location header: "
                    + "let the HTTP client follow redirects.";

    private Redirects() {}

    /**
     * Returns a redirect. Clients that do not follow redirects may show its body in error messages, so the body does not contain the token.
     */
    static Reply to(int status, Grant grant, String location) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("task", grant.streamId());
        // Clients that do not follow redirects show one of these two to their user.
        json.put("message", ACCEPTED);
        json.put("detail", ACCEPTED);
        return reply(status, location, json);
    }

    static Reply varying(Reply reply) {
        return reply.adding("Vary", "Prefer");
    }

    static Reply reply(int status, String location, ObjectNode body) {
        return Reply.of(status, Reply.JSON, body.toString())
                .with("Location", location)
                .with("Cache-Control", "no-store")
                .with("x-should-retry", "false");
    }
}
