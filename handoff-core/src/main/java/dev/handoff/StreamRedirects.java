// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.delivery.EventId;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Reply;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Seals a grant into the address of its stream, and lets a redirect policy make the reply. */
record StreamRedirects(
        TokenSealer sealer,
        EventsUrl eventsUrl,
        Function<HandoffRequest, Map<String, String>> claims,
        RedirectPolicy policy) {

    StreamRedirects with(RedirectPolicy other) {
        return new StreamRedirects(sealer, eventsUrl, claims, other);
    }

    /**
     * Returns the reply that leads a client to a stream.
     *
     * @param bare the grant without its claims
     * @param last the event after which the client resumes; null if it reads from the beginning
     */
    Reply reply(HandoffRequest request, Grant bare, @Nullable EventId last) {
        Grant grant = bare.withClaims(
                Objects.requireNonNull(claims.apply(request), "the function that sets claims returned null"));
        String location = eventsUrl.base(request) + '/' + sealer.seal(grant);
        if (last != null) {
            // Also in the URL, since some clients drop the header when they follow a redirect.
            location += "?last_event_id=" + last;
        }
        return Objects.requireNonNull(policy.reply(request, grant, location), "the redirect policy returned null");
    }
}
