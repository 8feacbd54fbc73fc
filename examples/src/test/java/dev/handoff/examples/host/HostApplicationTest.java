package dev.handoff.examples.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class HostApplicationTest {

    private static final Path SOURCE = Path.of("src/test/java/dev/handoff/examples/host/HostApplication.java");
    private static final Path README = Path.of("../README.md");

    @Test
    @DisplayName("the application of the README hands off and streams")
    void runs() throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/");
        context.addServletContainerInitializer(new HostApplication("Zq4uX9b2VnE7cTgK1rYw5sLd8hJm3fPa"));
        server.setHandler(context);
        server.start();
        try {
            HttpResponse<String> answer = HttpClient.newBuilder()
                    .followRedirects(HttpClient.Redirect.NORMAL)
                    .build()
                    .send(
                            HttpRequest.newBuilder(
                                            URI.create("http://127.0.0.1:" + connector.getLocalPort() + "/reports"))
                                    .POST(HttpRequest.BodyPublishers.ofString("rain"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body())
                    .contains("event: page", "data: page 1 about rain", "data: page 3 about rain", "event: completed");
        } finally {
            server.stop();
        }
    }

    @Test
    @DisplayName("what the README shows is what is compiled here, in at most 15 lines of code")
    void isTheOneOfTheReadme() throws IOException {
        String source = Files.readString(SOURCE);
        String shown = source.substring(
                        source.indexOf("// README begin\n") + "// README begin\n".length(),
                        source.indexOf("        // README end"))
                .stripTrailing()
                .stripIndent();
        assertThat(Files.readString(README)).contains("```java\n" + shown + "\n```");
        assertThat(shown.lines()).hasSizeLessThanOrEqualTo(15);
    }
}
