// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import org.springframework.boot.actuate.health.AbstractHealthIndicator;
import org.springframework.boot.actuate.health.Health;

/** Reports the health with the API of Spring Boot 3. */
final class Boot3Health extends AbstractHealthIndicator {

    private final HandoffReport report;

    Boot3Health(HandoffReport report) {
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
