// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ProblemCodeTest {

    /** A row of a table: the code, the status and its title, when the problem occurs, what the client should do. */
    private static final Pattern ROW = Pattern.compile(
            "^\\| `(\\w+)` \\| (\\d{3} [A-Z][A-Za-z ]+) \\| ([^|]{10,}) \\| ([^|]{5,}) \\|$", Pattern.MULTILINE);

    @Test
    @DisplayName("docs/problems.md has one row for each code, with its status and title")
    void theDocumentListsEachCode() throws IOException {
        String document = Files.readString(Path.of("..", "docs", "problems.md"));

        List<String> rows = ROW.matcher(document)
                .results()
                .map((MatchResult row) -> row.group(1) + ' ' + row.group(2))
                .toList();

        assertThat(rows)
                .containsExactlyInAnyOrderElementsOf(Stream.of(ProblemCode.values())
                        .map(code -> code.code() + ' ' + code.status() + ' ' + code.title())
                        .toList());
        assertThat(document.lines().filter(line -> line.startsWith("| `"))).hasSameSizeAs(rows);
    }

    @Test
    @DisplayName("each status has a title of its own")
    void eachStatusHasATitle() {
        assertThat(ProblemCode.values()).extracting(ProblemCode::title).doesNotContain("Client Error", "Server Error");
    }

    @Test
    @DisplayName("a problem has the code and the status")
    void makesProblems() {
        RuntimeException cause = new RuntimeException("reason");

        ProblemException e = ProblemCode.STREAM_GONE.exception("It is gone.", cause);

        assertThat(e.problem()).isEqualTo(new Problem(410, "stream_gone", "It is gone."));
        assertThat(e).hasCause(cause);
        assertThat(ProblemCode.STREAM_GONE.exception("It is gone.").problem()).isEqualTo(e.problem());
    }
}
