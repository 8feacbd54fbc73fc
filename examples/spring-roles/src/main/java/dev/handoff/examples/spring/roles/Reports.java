// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.roles;

import dev.handoff.spring.HandoffHandler;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** Writes reports, in the processes with the role {@code worker}. */
@Component
class Reports {

    private static final int PAGES = 5;

    private final Duration pause;

    Reports(@Value("${reports.pause}") Duration pause) {
        this.pause = pause;
    }

    @HandoffHandler("report")
    void report(Task task, TaskOutput output) throws InterruptedException {
        for (int page = 1; page <= PAGES; page++) {
            output.emit("page", "page " + page + " about " + task.payload() + " for " + task.subject());
            TimeUnit.MILLISECONDS.sleep(pause.toMillis());
        }
    }
}
