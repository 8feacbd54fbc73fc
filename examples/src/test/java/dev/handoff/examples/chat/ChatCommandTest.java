// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatCommandTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(Map<String, String> environment, String... args) {
        return ChatCommand.run(environment, new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    private void assertOneLine(String... parts) {
        assertThat(err.toString().lines())
                .hasSize(1)
                .first()
                .asString()
                .startsWith("handoff-chat: ")
                .contains(parts);
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "--port, 65536",
        "--port, -1",
        "--port, http",
        "--token-lifetime, tomorrow",
        "--token-lifetime, 0",
        "--token-lifetime, PT-1S",
        "--heartbeat, 0ms",
        "--retention, 5 minutes",
        "--drain, -PT1S",
        "--max-running, 0",
        "--max-running, many",
        "--redirect, 301",
        "--cancel-unattended, sometimes",
        "--cancel-unattended, 0",
        "--allowed-host, chat.example.com:80",
        "--cors-origin, chat.example.com",
        "--cors-origin, https://chat.example.com/"
    })
    void aBadValueIsNamed(String option, String value) {
        assertThat(run(Map.of(), "all", option + '=' + value)).isEqualTo(2);
        assertOneLine(option, '\'' + value + '\'');
    }

    @Test
    @DisplayName("R9: a time without readers that is too short to count them is refused")
    void aTimeWithoutReadersThatIsTooShortIsNamed() {
        assertThat(run(Map.of(), "all", "--port", "0", "--cancel-unattended", "2s"))
                .isEqualTo(2);
        assertOneLine("--cancel-unattended is 2.0 s", "at least 3.0 s");

        Map<String, String> environment =
                Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_MONGODB_URI", "mongodb://127.0.0.1:1/handoff");
        for (String role : new String[] {"api", "stream", "worker"}) {
            err.getBuffer().setLength(0);
            assertThat(run(environment, role, "--sweep", "11s")).isEqualTo(2);
            assertOneLine("--cancel-unattended is 30.0 s", "at least 33.0 s", "--sweep");
        }
    }

    @Test
    void anUnknownOptionOrRoleIsNamed() {
        assertThat(run(Map.of(), "--prot", "1")).isEqualTo(2);
        assertOneLine("--prot");

        err.getBuffer().setLength(0);
        assertThat(run(Map.of(), "everything")).isEqualTo(2);
        assertOneLine("everything");
    }

    @Test
    void aWeakSecretIsRefusedAndNotShown() {
        assertThat(run(Map.of("HANDOFF_SECRET", "hunter2"), "--port", "0")).isEqualTo(2);
        assertOneLine("HANDOFF_SECRET", "at least 32");
        assertThat(err.toString()).doesNotContain("hunter2");
    }

    @Test
    void anUpstreamThatIsNoUrlIsRefused() {
        assertThat(run(Map.of("OPENAI_BASE_URL", "localhost:11434"), "--port", "0"))
                .isEqualTo(2);
        assertOneLine("OPENAI_BASE_URL", "localhost:11434");
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = Integer.toString(taken.getLocalPort());

            assertThat(run(Map.of(), "--port", port)).isEqualTo(1);
            assertOneLine("127.0.0.1", port, "in use");
        }
    }

    @Test
    void aHostThatIsNotThereIsNamed() {
        assertThat(run(Map.of(), "--port", "0", "--host", "nowhere.invalid")).isEqualTo(1);
        assertOneLine("nowhere.invalid");
    }

    @Test
    void helpNamesTheRolesAndTheEnvironment() {
        assertThat(run(Map.of(), "--help")).isZero();
        assertThat(out.toString()).contains("all", "HANDOFF_SECRET", "OPENAI_BASE_URL");

        assertThat(run(Map.of(), "all", "--help")).isZero();
        assertThat(out.toString()).contains("--token-lifetime");
    }

    @Test
    void withoutARoleItIsAll() {
        assertThat(ChatCommand.withRole()).containsExactly("all");
        assertThat(ChatCommand.withRole("--port", "1")).containsExactly("all", "--port", "1");
        assertThat(ChatCommand.withRole("all", "--port", "1")).containsExactly("all", "--port", "1");
        assertThat(ChatCommand.withRole("--help")).containsExactly("--help");
    }

    @ParameterizedTest
    @CsvSource({"90,PT90S", "90s,PT90S", "500ms,PT0.5S", "15m,PT15M", "24h,PT24H", "7d,PT168H", "PT1H,PT1H"})
    void timesAreReadInManyForms(String value, Duration time) {
        assertThat(Converters.Time.parse(value)).isEqualTo(time);
    }

    @Test
    void aProcessSaysWhereItListensAndStopsPromptlyWhenTold(@TempDir Path dir) throws Exception {
        Path log = dir.resolve("err.log");
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Dlogback.configurationFile="
                                + Path.of("src/main/resources/logback.xml").toUri(),
                        ChatCommand.class.getName(),
                        "--port",
                        "0")
                .redirectError(log.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("HANDOFF_") || name.startsWith("OPENAI_"));
        Process process = builder.start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).matches("handoff-chat ready on http://127\\.0\\.0\\.1:[0-9]+");
            assertThat(lines.readLine()).startsWith("try: curl -NL -d '{\"model\":\"echo\"");

            process.toHandle().destroy();

            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(lines.readLine()).isNull();
        } finally {
            process.destroyForcibly();
        }
        assertThat(Files.readAllLines(log))
                .hasSize(4)
                .allMatch(line -> line.contains(" INFO "))
                .anyMatch(line -> line.contains("HANDOFF_SECRET is not set"))
                .anyMatch(line -> line.contains("HANDOFF_API_KEYS is not set"));
    }
}
