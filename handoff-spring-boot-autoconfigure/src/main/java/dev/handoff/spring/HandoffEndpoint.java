// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.Map;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;

/** The endpoint {@code /actuator/handoff}: what this process does at the moment. */
@Endpoint(id = "handoff")
final class HandoffEndpoint {

    private final HandoffReport report;

    HandoffEndpoint(HandoffReport report) {
        this.report = report;
    }

    /** Returns tasks by type, open streams, the oldest queued task, the lag of the store, and whether the process drains. */
    @ReadOperation
    public Map<String, Object> handoff() {
        return report.activity();
    }
}
