// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.dropwizard;

import dev.handoff.Handoff;
import dev.handoff.jaxrs.JaxrsHandoffRequest;
import dev.handoff.jaxrs.Responses;
import dev.handoff.task.Task;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;

/** Accepts requests for reports and answers them with a redirect to their streams. */
@Path("/reports")
public final class ReportResource {

    private final Handoff handoff;

    ReportResource(Handoff handoff) {
        this.handoff = handoff;
    }

    /** Starts a report about a topic. */
    @POST
    public Response report(@BeanParam JaxrsHandoffRequest request, String topic) {
        return Responses.of(handoff.begin(request, Task.of("report", topic)));
    }
}
