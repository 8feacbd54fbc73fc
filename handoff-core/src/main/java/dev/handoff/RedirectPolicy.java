// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Prefer;
import dev.handoff.http.Reply;
import dev.handoff.token.Grant;

/**
 * Sends the client from the application to the streaming server. Every answer forbids caching ({@code Cache-Control: no-store}), and
 * tells SDKs not to send the request again ({@code x-should-retry: false}), since the
 * task has been accepted.
 *
 * <p>Thread-safe; never blocks.
 */
@FunctionalInterface
public interface RedirectPolicy {

    /**
     * Returns the answer to a request whose task was accepted.
     *
     * @param location the address of the stream: a URL, or a path on the host of the request
     */
    Reply reply(HandoffRequest request, Grant grant, String location);

    /**
     * 303 See Other (RFC 9110, 15.4.4): the client gets the stream with GET and does not send its prompt again. This is the default,
     * because almost every client that follows redirects handles this one correctly.
     */
    static RedirectPolicy seeOther() {
        return (request, grant, location) -> Redirects.to(303, grant, location);
    }

    /** 302 Found, for clients that know no other. Most turn the POST into a GET, some repeat it. */
    static RedirectPolicy found() {
        return (request, grant, location) -> Redirects.to(302, grant, location);
    }

    /** 307 Temporary Redirect: the client repeats the POST and its body, which the streaming server drains and ignores. */
    static RedirectPolicy temporary() {
        return (request, grant, location) -> Redirects.to(307, grant, location);
    }

    /**
     * 303 with {@code X-Accel-Redirect} beside {@code Location}. A proxy that knows the field fetches the stream itself, and
     * the client sees no redirect; without such a proxy this is {@link #seeOther}. The field holds the path of the stream
     * also where {@code Location} is an absolute URL, because nginx looks it up among its own locations.
     */
    static RedirectPolicy accel() {
        return (request, grant, location) -> Redirects.to(303, grant, location)
                .with("X-Accel-Redirect", location.replaceFirst("^https?://[^/]*", ""));
    }

    /**
     * 202 Accepted, with the address of the stream in {@code Location} and in the JSON body, for clients that want to handle
     * it themselves.
     */
    static RedirectPolicy accepted() {
        return (request, grant, location) -> {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            json.put("task", grant.streamId());
            json.put("streamUrl", location);
            json.put("statusUrl", location.replaceFirst("(?=\\?|$)", "/status"));
            return Redirects.reply(202, location, json).with("Access-Control-Expose-Headers", "Location");
        };
    }

    /**
     * {@link #accepted} for a client that says {@code Prefer: respond-async} (RFC 7240), else another policy.
     *
     * <p>With {@code wait=N} the client would wait N seconds for the whole answer before it is content with a 202. It does not
     * wait here, where it would hold a thread. The streaming server honours the preference.
     */
    static RedirectPolicy negotiated(RedirectPolicy otherwise) {
        RedirectPolicy accepted = accepted();
        return (request, grant, location) ->
                Prefer.parse(request.header("Prefer")).respondAsync()
                        ? Redirects.varying(
                                accepted.reply(request, grant, location).with("Preference-Applied", "respond-async"))
                        : Redirects.varying(otherwise.reply(request, grant, location));
    }
}
