// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class StormedServerTest {

    @Test
    void thePortIsTheValueOfTheLastArgument() {
        assertThat(StormedServer.withPort(List.of("server", "--port", ""), 80))
                .containsExactly("server", "--port", "80");
        assertThat(StormedServer.withPort(List.of("server", "--port="), 80)).containsExactly("server", "--port=80");
        assertThat(StormedServer.withPort(List.of("worker"), 80)).containsExactly("worker");
    }

    @Test
    void aWorkerNeedsNoPort() {
        assertThat(StormedServer.own("server")).endsWith("server", "--port", "");
        assertThat(StormedServer.own("server", "--role", "worker")).endsWith("--role", "worker");
    }

    @Test
    void theCommandsSetTheGarbageCollector() {
        assertThat(StormedServer.own("server")).contains("-XX:+UseParallelGC").doesNotContain("-XX:+UseG1GC");
        assertThat(StormedServer.ownWithG1("server")).contains("-XX:+UseG1GC").doesNotContain("-XX:+UseParallelGC");
        assertThat(StormedServer.java(Path.of("peer.jar"), "--server.port="))
                .endsWith("-jar", "peer.jar", "--server.port=");
    }
}
