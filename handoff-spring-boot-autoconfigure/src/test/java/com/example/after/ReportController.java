// SPDX-License-Identifier: Apache-2.0
package com.example.after;

import dev.handoff.Handoff;
import dev.handoff.http.HandoffRequest;
import dev.handoff.spring.HandoffResponses;
import dev.handoff.task.Task;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class ReportController {

    private final Handoff handoff;

    public ReportController(Handoff handoff) {
        this.handoff = handoff;
    }

    @PostMapping("/archive/{year}/reports")
    public ResponseEntity<byte[]> report(HandoffRequest request, @PathVariable int year, @RequestBody String topic) {
        return HandoffResponses.of(handoff.begin(request, Task.of("report", topic + " in " + year)));
    }
}
