// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import dev.handoff.spring.HandoffHandler;
import dev.handoff.task.TaskOutput;
import org.springframework.stereotype.Component;

@Component
class Reports {

    private final Archive archive;

    Reports(Archive archive) {
        this.archive = archive;
    }

    @HandoffHandler(value = "report", path = "/reports")
    String report(String topic, TaskOutput output) {
        archive.pages(topic).forEach(page -> output.emit("page", page));
        return "{\"pages\":" + archive.pages(topic).size() + "}";
    }
}
