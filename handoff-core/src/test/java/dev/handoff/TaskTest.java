package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
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
        assertThat(task).isEqualTo(new Task(task.id(), "chat", "{}", Map.of(), null, null, "standard"));
    }

    @Test
    @DisplayName("R10 the id follows from subject and key as it always did: on every server, in every version")
    void knownIds() {
        // Computed by a few lines of Python: SHA-256 over "+subject" or "-", and the key, each after its 32-bit length.
        assertThat(idOf("alice", "k1")).isEqualTo("e56df3c4631b1d131ca36440add57cfe");
        assertThat(idOf(null, "k1")).isEqualTo("aa7eec69a295665487726f2cef2dcb24");
        assertThat(idOf("", "k1")).isEqualTo("61bf4d390b7058854f3d41b9862c1835");
        assertThat(idOf("ü€\uD83D\uDE00", "cle")).isEqualTo("3cb21c154150082f3ca2e522b2675739");
    }

    @Test
    @DisplayName("R10 other subjects and other keys have other ids, and no two run together")
    void idsDiffer() {
        Set<String> ids = Set.of(
                idOf("alice", "k1"),
                idOf("alice", "k2"),
                idOf("bob", "k1"),
                idOf("alic", "ek1"),
                idOf("alicek", "1"),
                idOf("", "k1"),
                idOf(null, "k1"),
                idOf("-", "k1"),
                idOf("+", "k1"),
                idOf("+alice", "k1"),
                idOf("alice\0", "k1"),
                idOf("Alice", "k1"));
        // Set.of would have refused duplicates already.
        assertThat(ids).hasSize(12);
    }

    @Test
    @DisplayName("R10 subjects that are no well-formed Unicode share an id with nobody, or are refused")
    void loneSurrogates() {
        Set<String> ids = new HashSet<>(Set.of(idOf("a?", "k1"), idOf("a\uFFFD", "k1")));
        for (String subject : List.of("a\uD800", "a\uDC00")) {
            try {
                assertThat(ids.add(idOf(subject, "k1"))).isTrue();
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageContaining("subject");
            }
        }
    }

    @Test
    @DisplayName("without a key the id stays, and the subject is noted")
    void withoutKey() {
        Task task = Task.of("chat", "{}");
        Task owned = task.requestedBy("alice", null);
        assertThat(owned).isEqualTo(new Task(task.id(), "chat", "{}", Map.of(), "alice", null, "standard"));
    }

    @Test
    @DisplayName("with a key the id depends on nothing else, and the rest of the task stays")
    void withKey() {
        Task task = Task.of("chat", "{}").withAttributes(Map.of("a", "b")).withFormat("result");
        assertThat(task.requestedBy("alice", "k1"))
                .isEqualTo(new Task(idOf("alice", "k1"), "chat", "{}", Map.of("a", "b"), "alice", "k1", "result"));
        assertThat(Task.of("other", "text").requestedBy("alice", "k1").id()).isEqualTo(idOf("alice", "k1"));
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
                .isThrownBy(() -> new Task(id, "chat", "{}", Map.of(), null, null, "standard"))
                .withMessageContaining(id);
    }

    private static String idOf(String subject, String key) {
        return Task.of("chat", "{}").requestedBy(subject, key).id();
    }
}
