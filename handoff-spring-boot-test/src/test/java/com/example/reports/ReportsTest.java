// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Reply;
import dev.handoff.spring.test.HandoffTest;
import dev.handoff.task.Task;
import dev.handoff.testkit.TestHandoff;
import dev.handoff.testkit.TestRequest;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

@HandoffTest
class ReportsTest {

    @Autowired
    private TestHandoff test;

    @Test
    void writesThePagesOfTheArchive() {
        assertThat(test.dispatch(Task.of("report", "rain")).awaitOutcome())
                .hasEvent("page", "a page about rain")
                .completedWith("{\"pages\":1}");
    }

    @Test
    void redirectsToTheReport() {
        TestRequest request = TestRequest.post("/reports", "rain").withSubject("alice");
        Reply reply = test.handoff().begin(request, Task.of("report", request.body()));
        assertThat(reply.status()).isEqualTo(303);
        assertThat(test.stream(reply).awaitOutcome())
                .hasData("a page about rain")
                .completed();
    }

    @TestConfiguration
    static class InMemory {

        @Bean
        Archive archive() {
            return topic -> List.of("a page about " + topic);
        }
    }
}
