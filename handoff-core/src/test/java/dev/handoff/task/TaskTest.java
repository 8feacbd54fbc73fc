// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskTest {

    @Test
    @DisplayName("every new task has an id of its own, 32 lower-case hexadecimal digits")
    void randomIds() {
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            ids.add(Task.of("chat", "{}").id());
        }
        assertThat(ids).hasSize(1000).allMatch(id -> id.matches("[0-9a-f]{32}"));
    }

    @Test
    @DisplayName("a new task is nobody's, and is read in the standard format")
    void defaults() {
        Task task = Task.of("chat", "{}");
        assertThat(task).isEqualTo(new Task(task.id(), "chat", "{}", Map.of(), null, null, "standard", false));
    }

    @Test
    @DisplayName("the subject is noted, with a key or without, and the id stays")
    void requestedBy() {
        Task task = Task.of("chat", "{}");
        Task owned = task.requestedBy("alice", null);
        assertThat(owned).isEqualTo(new Task(task.id(), "chat", "{}", Map.of(), "alice", null, "standard", false));
        assertThat(task.requestedBy("alice", "k1"))
                .isEqualTo(new Task(task.id(), "chat", "{}", Map.of(), "alice", "k1", "standard", false));
    }

    @Test
    @DisplayName("a task in the background stays there when another part of it changes")
    void inBackground() {
        Task task = Task.of("chat", "{}");
        assertThat(task.background()).isFalse();
        Task changed = task.inBackground()
                .withId("0123456789abcdef0123456789abcdef")
                .withAttributes(Map.of("a", "b"))
                .withFormat("result")
                .requestedBy("alice", "k1");
        assertThat(changed.background()).isTrue();
    }

    @Test
    @DisplayName("with another id the rest of the task stays")
    void withId() {
        Task task = Task.of("chat", "{}").withAttributes(Map.of("a", "b")).withFormat("result");
        String id = "0123456789abcdef0123456789abcdef";
        assertThat(task.requestedBy("alice", "k1").withId(id))
                .isEqualTo(new Task(id, "chat", "{}", Map.of("a", "b"), "alice", "k1", "result", false));
        assertThatIllegalArgumentException().isThrownBy(() -> task.withId("7")).withMessageContaining("7");
    }

    @Test
    @DisplayName("the fingerprint is of type and payload alone")
    void fingerprint() {
        Task task = Task.of("chat", "{\"a\":1}");
        // Computed by the same lines of Python.
        assertThat(task.fingerprint()).isEqualTo("b07962de015614abe756d3d30c4418610d89a323e6715f72ce103518e4b8d8d4");
        assertThat(task.withAttributes(Map.of("trace", "7"))
                        .withFormat("result")
                        .requestedBy("alice", "k1")
                        .fingerprint())
                .isEqualTo(task.fingerprint());
    }

    @Test
    @DisplayName("another type or payload has another fingerprint, and the two do not run together")
    void fingerprintsDiffer() {
        assertThat(Set.of(
                        Task.of("chat", "ab").fingerprint(),
                        Task.of("chat", "ab ").fingerprint(),
                        Task.of("chata", "b").fingerprint(),
                        Task.of("cha", "tab").fingerprint(),
                        Task.of("", "chatab").fingerprint(),
                        Task.of("chatab", "").fingerprint()))
                .hasSize(6);
    }

    @Test
    @DisplayName("attributes are copied and cannot be changed")
    void attributes() {
        Map<String, String> attributes = new HashMap<>(Map.of("a", "1"));
        Task task = Task.of("chat", "{}").withAttributes(attributes);
        attributes.put("b", "2");
        assertThat(task.attributes()).isEqualTo(Map.of("a", "1"));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> task.attributes().put("c", "3"));
    }

    @Test
    @DisplayName("the payload, which may be private, is not shown")
    void toStringHidesPayload() {
        Task task = Task.of("chat", "a private matter");
        assertThat(task.toString()).contains(task.id(), "chat", "16").doesNotContain("private");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "abc",
                "0123456789abcdef0123456789abcdeg",
                "0123456789ABCDEF0123456789ABCDEF",
                "0123456789abcdef0123456789abcdef0",
                "0123456789abcdef0123456789abcde/",
                "0123456789abcdef0123456789abcde:",
                "0123456789abcdef0123456789abcde`"
            })
    @DisplayName("an id that is none is refused by name")
    void badId(String id) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Task(id, "chat", "{}", Map.of(), null, null, "standard", false))
                .withMessageContaining(id);
    }
}
