// SPDX-License-Identifier: Apache-2.0
package com.example.after;

import dev.handoff.spring.HandoffHandler;
import dev.handoff.task.TaskOutput;
import org.springframework.stereotype.Component;

@Component
public class Reports {

    @HandoffHandler(value = "report", path = "/reports")
    public void report(String topic, TaskOutput output) {
        for (int page = 1; page <= 3; page++) {
            output.emit("page", "page " + page + " about " + topic);
        }
    }
}
