// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StreamFormatTest {

    private static final Problem PROBLEM = new Problem(502, "upstream_failed", "The model did not answer.");

    private final StreamFormat.EventFormat standard = StreamFormat.standard();
    private final StreamFormat.DocumentFormat result = StreamFormat.result();

    @Test
    @DisplayName("the formats have the names by which tasks ask for them")
    void names() {
        assertThat(standard.name()).isEqualTo("standard");
        assertThat(result.name()).isEqualTo("result");
    }

    @Test
    @DisplayName("the standard format shows an event as it is")
    void standardEvents() {
        assertThat(standard.frames(new Event(3, "token", "a\nb")))
                .containsExactly(new StreamFormat.Frame("token", "a\nb"));
        assertThat(standard.frames(new Event(0, null, ""))).containsExactly(new StreamFormat.Frame(null, ""));
    }

    @Test
    @DisplayName("the standard format names each end, with its result or problem")
    void standardEnds() {
        assertThat(standard.frames(End.completed("{\"a\":1}")))
                .containsExactly(new StreamFormat.Frame("completed", "{\"a\":1}"));
        assertThat(standard.frames(End.completed(null))).containsExactly(new StreamFormat.Frame("completed", ""));
        assertThat(standard.frames(End.completed(""))).containsExactly(new StreamFormat.Frame("completed", ""));
        assertThat(standard.frames(End.cancelled())).containsExactly(new StreamFormat.Frame("cancelled", ""));
        assertThat(standard.frames(End.failed(PROBLEM)))
                .containsExactly(new StreamFormat.Frame("failed", PROBLEM.toJson()));
    }

    @Test
    @DisplayName("R8 the standard format says that a stream was cut, which is no end")
    void interrupted() {
        assertThat(standard.interrupted(PROBLEM)).isEqualTo(new StreamFormat.Frame("interrupted", PROBLEM.toJson()));
    }

    @Test
    @DisplayName("the result format answers with the result as it is, or null")
    void resultOfCompleted() {
        assertThat(result.document(End.completed("{\"a\":1}")))
                .isEqualTo(new Reply(200, Map.of("Content-Type", "application/json"), "{\"a\":1}"));
        assertThat(result.document(End.completed(null)).body()).isEqualTo("null");
        assertThat(result.document(End.completed(null)).status()).isEqualTo(200);
    }

    @Test
    @DisplayName("the result of what failed is its problem, of what was cancelled a 409")
    void resultOfOthers() {
        assertThat(result.document(End.failed(PROBLEM))).isEqualTo(PROBLEM.toReply());
        assertThat(result.document(End.cancelled()))
                .isEqualTo(new Problem(409, "cancelled", "The task was cancelled.").toReply());
    }

    @Test
    @DisplayName("R13 both answer an early error with problem details")
    void errors() {
        assertThat(standard.error(PROBLEM)).isEqualTo(PROBLEM.toReply());
        assertThat(result.error(PROBLEM)).isEqualTo(PROBLEM.toReply());
    }
}
