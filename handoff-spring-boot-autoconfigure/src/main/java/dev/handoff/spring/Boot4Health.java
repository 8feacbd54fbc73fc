// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/** Reports the health with the API of Spring Boot 4. */
final class Boot4Health extends AbstractHealthIndicator {

    private final HandoffReport report;

    Boot4Health(HandoffReport report) {
        super("The store of handoff does not answer");
        this.report = report;
    }

    @Override
    protected void doHealthCheck(Health.Builder health) {
        health.withDetails(report.healthDetails());
        if (report.isDraining()) {
            health.outOfService();
        } else {
            report.checkStore();
            health.up();
        }
    }
}
