// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TablesTest {

    private static List<Report> reports(Double... cpu) {
        return Stream.of(cpu)
                .map(value -> new Report("steady", 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, null, value, null, null, null, null))
                .toList();
    }

    @Test
    void aSpreadHasTheMedianTheLowestAndTheHighestValue() {
        assertThat(Tables.spread(reports(3.0, 1.0, 2.5), Report::cpuMicrosPerEvent))
                .isEqualTo("2.5 (1.0–3.0)");
        assertThat(Tables.spread(reports(3.0), Report::cpuMicrosPerEvent)).isEqualTo("3.0");
    }

    @Test
    void numbersHaveTwoDecimalPlacesBelowOneHundred() {
        assertThat(Tables.number(1.2345)).isEqualTo("1.23");
        assertThat(Tables.number(99.5)).isEqualTo("99.5");
        assertThat(Tables.number(100.4)).isEqualTo("100");
    }

    @Test
    void replacesTheTablesOfADocument() {
        Tables tables = new Tables();
        tables.title("Title");
        tables.row("a", "b");
        tables.sentence("Made.");

        assertThat(tables.replaceIn("before <!-- storm: begin -->old<!-- storm: end --> after"))
                .isEqualTo(
                        "before <!-- storm: begin -->\n\n### Title\n\n| a | b |\n\nMade.\n<!-- storm: end --> after");
    }

    @Test
    void refusesADocumentWithoutMarks() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Tables().replaceIn("<!-- storm: end -->"));
    }
}
