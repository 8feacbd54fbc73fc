// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class GuideTest {

    private static final Path EXAMPLE = Path.of("src/test/java/com/example/reports/ReportsTest.java");

    @Test
    @DisplayName("docs/testing.md shows the test ReportsTest, which runs with those of this module")
    void guide() throws IOException {
        Path module = Files.exists(EXAMPLE) ? Path.of(".") : Path.of("..");
        String example = Files.readString(module.resolve(EXAMPLE)).replaceFirst("// SPDX.*\n", "");
        assertThat(Files.readString(module.resolve("../docs/testing.md"))).contains("```java\n" + example + "```\n");
    }
}
