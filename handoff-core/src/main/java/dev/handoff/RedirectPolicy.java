// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Prefer;
import dev.handoff.http.Reply;
import dev.handoff.token.Grant;

/**
 * Makes the answer that sends a client from the application to the streaming server. The answers of the policies below forbid caching
 * ({@code Cache-Control: no-store}). They also tell SDKs not to send the request again ({@code x-should-retry: false}), because the task is
 * accepted when the client receives them.
 *
 * <p>Implementations must be thread-safe and must not block. The policies below meet this.
 */
@FunctionalInterface
public interface RedirectPolicy {

    /**
     * Returns the answer to a request that is led to a stream. This is called before the task is dispatched; the client gets the answer
     * only if the dispatcher accepts the task. If this throws, the request fails and nothing is started.
     *
     * @param grant the rights that the token in the address gives
     * @param location the address of the stream: a URL, or a path on the host of the request
     */
    Reply reply(HandoffRequest request, Grant grant, String location);

    /**
     * Returns a policy that answers 303 See Other (RFC 9110, 15.4.4). The client fetches the stream with GET and does not send its content
     * again. This is the default, because almost every client that follows redirects handles this one correctly.
     */
    static RedirectPolicy seeOther() {
        return (request, grant, location) -> Redirects.to(303, grant, location);
    }

    /**
     * Returns a policy that answers 302 Found (RFC 9110, 15.4.3), for clients that know no other redirect. Most clients then send GET
     * instead of POST, and some repeat the POST.
     */
    static RedirectPolicy found() {
        return (request, grant, location) -> Redirects.to(302, grant, location);
    }

    /**
     * Returns a policy that answers 307 Temporary Redirect (RFC 9110, 15.4.8). The client repeats the POST and its body. The streaming
     * server drains the body and ignores it.
     */
    static RedirectPolicy temporary() {
        return (request, grant, location) -> Redirects.to(307, grant, location);
    }

    /**
     * Returns a policy that answers 303 with {@code X-Accel-Redirect} beside {@code Location}. A proxy that knows this field fetches the
     * stream itself, and the client sees no redirect. Without such a proxy the policy works like {@link #seeOther}. The field holds only
     * the path of the stream, even if {@code Location} is an absolute URL, because nginx looks the path up among its own locations.
     */
    static RedirectPolicy accel() {
        return (request, grant, location) -> Redirects.to(303, grant, location)
                .with("X-Accel-Redirect", location.replaceFirst("^https?://[^/]*", ""));
    }

    /**
     * Returns a policy that answers 202 Accepted (RFC 9110, 15.3.3), for clients that open the stream by themselves. The address of the
     * stream is in {@code Location} and, as {@code streamUrl}, in the JSON body. The body also has the address of the status, as
     * {@code statusUrl}, and the id of the task, as {@code task}.
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
     * Returns a policy that answers like {@link #accepted} if the client sends {@code Prefer: respond-async} (RFC 7240, 4.1), and otherwise
     * like another policy. The answers have {@code Vary: Prefer}.
     *
     * <p>With {@code wait=N} a client asks the server to wait N seconds for the whole answer before it responds with 202. This policy does
     * not wait, because that would occupy a thread. The streaming server honours the preference if the client sends it there.
     *
     * @param otherwise answers the other clients
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
