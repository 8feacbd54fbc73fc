// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class PreferTest {

    private static final Prefer NOTHING = new Prefer(false, Optional.empty());

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "respond-async | true |",
                "respond-async, wait=100 | true | 100",
                "wait=100, respond-async | true | 100",
                "respond-async, return=minimal | true |",
                "handling=lenient, wait=100, respond-async | true | 100",
                "wait=10 | false | 10",
                "priority=5, wait=10 | false | 10",
            })
    @DisplayName("the examples of RFC 7240 are understood")
    void examples(String field, boolean respondAsync, Long seconds) {
        assertThat(Prefer.parse(field)).isEqualTo(new Prefer(respondAsync, duration(seconds)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "RESPOND-async,WAIT=7 | true | 7",
                "  respond-async  ,  wait = 7  | true | 7",
                "respond-async; foo=bar, wait=7; baz | true | 7",
                "wait=\"7\" | false | 7",
                "wait=0 | false | 0",
                "wait=007 | false | 7",
                "wait=999999999 | false | 999999999",
                ",, respond-async ,, | true |",
                "respond-async, respond-async | true |",
                "wait=7, wait=8 | false | 7",
            })
    @DisplayName("the forms that RFC 7240 allows are understood, and of two the first counts")
    void forms(String field, boolean respondAsync, Long seconds) {
        assertThat(Prefer.parse(field)).isEqualTo(new Prefer(respondAsync, duration(seconds)));
    }

    @ParameterizedTest
    @NullAndEmptySource
    @ValueSource(
            strings = {
                " ",
                ",",
                ";",
                "=",
                "\"",
                "wait",
                "wait=",
                "wait=-1",
                "wait=+1",
                "wait=1.5",
                "wait=1e3",
                "wait=ten",
                "wait=1 0",
                "wait=1000000000",
                "wait=99999999999999999999999",
                "wait=\u0661\u0660",
                "waiting=10",
                "respond-asynchronous",
                "x-respond-async",
                "respond async",
                "foo=respond-async",
                "foo; respond-async",
                "foo; wait=10"
            })
    @DisplayName("what is unknown or malformed is ignored")
    void ignored(String field) {
        assertThat(Prefer.parse(field)).isEqualTo(NOTHING);
    }

    @Test
    @DisplayName("a malformed number does not hide a good preference beside it")
    void malformedBesideGood() {
        assertThat(Prefer.parse("wait=x, respond-async")).isEqualTo(new Prefer(true, Optional.empty()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"foo=\"a, respond-async, b\"", "foo=\"a, wait=10, b\"", "foo=\"\\\", respond-async, \""})
    @DisplayName("what stands within a quoted value is no preference (RFC 7240, 2: the value may be a quoted-string)")
    void quotedValues(String field) {
        assertThat(Prefer.parse(field)).isEqualTo(NOTHING);
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait=1\"0", "wait=\"10", "wait=10\"", "wait=\"\"10\"\""})
    @DisplayName("a number with a stray quote is malformed, so it is ignored")
    void strayQuotes(String field) {
        assertThat(Prefer.parse(field)).isEqualTo(NOTHING);
    }

    private static Optional<Duration> duration(Long seconds) {
        return Optional.ofNullable(seconds).map(Duration::ofSeconds);
    }
}
