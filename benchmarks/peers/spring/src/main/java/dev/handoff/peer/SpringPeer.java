package dev.handoff.peer;

import java.io.IOException;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** Serves the streams of the storm tool as an application on Spring MVC would. */
@SpringBootApplication
@RestController
public class SpringPeer {

    private final Beat beat = new Beat();

    SpringPeer() {
        Thread thread = new Thread(beat, "beat");
        thread.setDaemon(true);
        thread.start();
    }

    /** Runs the server at the port that {@code --server.port} sets. */
    public static void main(String[] args) {
        var context = (ServletWebServerApplicationContext) SpringApplication.run(SpringPeer.class, args);
        System.out.println("spring peer ready on http://127.0.0.1:"
                + context.getWebServer().getPort());
    }

    @RequestMapping(
            path = "/storm",
            method = {RequestMethod.GET, RequestMethod.POST})
    SseEmitter storm(
            @RequestParam(defaultValue = "10") int rate,
            @RequestParam(defaultValue = "10") int seconds,
            @RequestParam(defaultValue = "100") int payload)
            throws IOException {
        SseEmitter emitter = new SseEmitter(0L);
        if (rate == 0) {
            // Spring sends the head of the answer with the first event. This stream has no event, so this sends a
            // comment.
            emitter.send(SseEmitter.event().comment(""));
        }
        String filler = "x".repeat(payload);
        beat.add(rate, seconds, new Beat.Sink() {
            @Override
            public void emit(int position) throws IOException {
                emitter.send(SseEmitter.event()
                        .id("spring:" + position)
                        .data("{\"t\":" + System.nanoTime() + ",\"c\":\"" + filler + "\"}"));
            }

            @Override
            public void end() {
                emitter.complete();
            }
        });
        return emitter;
    }
}
