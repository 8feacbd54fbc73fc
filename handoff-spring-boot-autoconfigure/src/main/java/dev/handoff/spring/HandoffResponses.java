// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.http.Reply;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseEntity;

/**
 * Converts replies of handoff to responses of Spring MVC controllers.
 *
 * <pre>{@code
 * @PostMapping("/reports/{year}")
 * ResponseEntity<byte[]> report(HandoffRequest request, @PathVariable int year, @RequestBody String filter) {
 *     return HandoffResponses.of(handoff.begin(request, Task.of("report", year + " " + filter)));
 * }
 * }</pre>
 */
public final class HandoffResponses {

    private HandoffResponses() {}

    /** Returns a response with the status, the header fields and the content of a reply. */
    public static ResponseEntity<byte[]> of(Reply reply) {
        HttpHeaders headers = new HttpHeaders();
        reply.headers().forEach(headers::addAll);
        ResponseEntity.BodyBuilder response =
                ResponseEntity.status(HttpStatusCode.valueOf(reply.status())).headers(headers);
        return reply.hasBody() ? response.body(reply.bytes()) : response.build();
    }
}
