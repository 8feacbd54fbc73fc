// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.RedirectPolicy;
import dev.handoff.http.Reply;
import java.util.UUID;

/**
 * Creates the {@code x-request-id} of an answer, with which users and operators identify a request. A request that was handed off has the
 * id of its task, on the redirect and on the stream.
 */
final class RequestIds {

    /** The name of the field. */
    static final String HEADER = "x-request-id";

    /** The response header fields that a page of another origin may read. */
    static final String EXPOSED_HEADERS = "Location, Retry-After, " + HEADER;

    private static final String PREFIX = "req_";

    private RequestIds() {}

    /** Returns an id for a request that is not handed off. */
    static String random() {
        return PREFIX + UUID.randomUUID().toString().replace("-", "");
    }

    /** Returns the id of a request that was handed off. */
    static String of(String streamId) {
        return PREFIX + streamId;
    }

    /** Returns a policy whose replies have the id of the task. */
    static RedirectPolicy on(RedirectPolicy policy) {
        return (request, grant, location) -> {
            Reply reply = policy.reply(request, grant, location).with(HEADER, of(grant.streamId()));
            boolean exposes = reply.header("Access-Control-Expose-Headers") != null;
            return exposes ? reply.with("Access-Control-Expose-Headers", EXPOSED_HEADERS) : reply;
        };
    }
}
