// SPDX-License-Identifier: Apache-2.0
package com.example.before;

import java.io.IOException;
import java.util.concurrent.Executor;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

@RestController
public class ReportController {

    private final Executor executor;

    public ReportController(Executor applicationTaskExecutor) {
        this.executor = applicationTaskExecutor;
    }

    @PostMapping(path = "/reports", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    public SseEmitter report(@RequestBody String topic) {
        SseEmitter emitter = new SseEmitter(300_000L);
        executor.execute(() -> {
            try {
                for (int page = 1; page <= 3; page++) {
                    emitter.send(SseEmitter.event().name("page").data("page " + page + " about " + topic));
                }
                emitter.complete();
            } catch (IOException e) {
                emitter.completeWithError(e);
            }
        });
        return emitter;
    }
}
