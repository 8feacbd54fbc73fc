// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the Java program that the README shows. */
class ReadmeProgramTest {

    private static final Path README = Path.of("../README.md");
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final String SECRET = "Zq4uX9b2VnE7cTgK1rYw5sLd8hJm3fPa";

    @Test
    @DisplayName("the program of the README compiles, hands a request off and streams the answer")
    void compilesAndRuns(@TempDir Path folder) throws Exception {
        compile(program(), folder);
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
            Method start = loader.loadClass("Reports").getDeclaredMethod("start", int.class, String.class);
            start.setAccessible(true);
            Server server = (Server) start.invoke(null, 0, SECRET);
            try {
                int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
                HttpResponse<String> answer = post("http://127.0.0.1:" + port + "/reports", "rain");
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(answer.body())
                        .contains("event: page", "data: page 1 about rain", "data: page 3 about rain")
                        .contains("event: completed");
            } finally {
                server.stop();
            }
        }
    }

    @Test
    @DisplayName("the README has less than 150 lines")
    void isShort() throws IOException {
        assertThat(Files.readAllLines(README)).hasSizeLessThan(150);
    }

    private static String program() throws IOException {
        List<String> blocks = JAVA_BLOCK
                .matcher(Files.readString(README))
                .results()
                .map((MatchResult block) -> block.group(1))
                .filter(block -> block.contains("class Reports "))
                .toList();
        assertThat(blocks).as("the programs of the README").hasSize(1);
        return blocks.get(0);
    }

    private static void compile(String program, Path folder) throws IOException {
        Path source = Files.writeString(folder.resolve("Reports.java"), program);
        // Surefire can pass the class path in another property, because it starts the JVM with a jar that only refers
        // to it.
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter errors = new StringWriter();
        boolean compiled = compiler.getTask(
                        errors,
                        null,
                        null,
                        List.of("-proc:none", "-d", folder.toString(), "-classpath", classPath),
                        null,
                        compiler.getStandardFileManager(null, null, null).getJavaFileObjects(source))
                .call();
        assertThat(compiled).as("%s", errors).isTrue();
    }

    private static HttpResponse<String> post(String address, String body) throws IOException, InterruptedException {
        return HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build()
                .send(
                        HttpRequest.newBuilder(URI.create(address))
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }
}
