// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Compares the table of metrics in {@code docs/observing.md} with the meters of a run in which each method of the observer was called. */
class MetricsTableTest {

    private static final Path PAGE = Path.of("..", "docs", "observing.md");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    MetricsTableTest() {
        ObserverCalls.callAll(HandoffMetrics.of(registry));
    }

    /** Returns the cells of the rows of the table, without backticks. */
    private static List<List<String>> rows() throws IOException {
        return Files.readAllLines(PAGE).stream()
                .dropWhile(line -> !line.equals("### All metrics"))
                .dropWhile(line -> !line.startsWith("|---"))
                .skip(1)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> Arrays.stream(line.substring(1, line.length() - 1).split("\\|"))
                        .map(cell -> cell.strip().replace("`", ""))
                        .toList())
                .toList();
    }

    private static String typeOf(Meter meter) {
        return switch (meter.getId().getType()) {
            case COUNTER -> "counter";
            case TIMER -> "timer";
            case GAUGE -> "gauge";
            case DISTRIBUTION_SUMMARY -> "summary";
            default -> "unknown";
        };
    }

    private static String row(Meter meter) {
        Meter.Id id = meter.getId();
        return String.join(
                " | ",
                id.getName(),
                typeOf(meter),
                Objects.requireNonNullElse(id.getBaseUnit(), ""),
                id.getTags().stream().map(Tag::getKey).collect(Collectors.joining(", ")),
                Objects.requireNonNull(id.getDescription()));
    }

    @Test
    @DisplayName("the table has each meter with its type, unit, tags and description, and no other row")
    void table() throws IOException {
        Set<String> documented = rows().stream()
                .map(cells -> String.join(" | ", cells.get(0), cells.get(2), cells.get(3), cells.get(4), cells.get(5)))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> real =
                registry.getMeters().stream().map(MetricsTableTest::row).collect(Collectors.toCollection(TreeSet::new));
        assertThat(documented).isNotEmpty().isEqualTo(real);
    }

    @Test
    @DisplayName("the names in Prometheus are those of a scrape, which has further series only for the largest values")
    void namesInPrometheus() throws IOException {
        Set<String> documented =
                rows().stream().map(cells -> cells.get(1)).collect(Collectors.toCollection(TreeSet::new));
        Set<String> scraped = registry.scrape()
                .lines()
                .filter(line -> line.startsWith("# TYPE "))
                .map(line -> line.split(" ")[2])
                .filter(name -> !name.endsWith("_max"))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(documented).isEqualTo(scraped);
    }

    /** The suite {@code metrics} gives this text to promtool. */
    @Test
    @DisplayName("each metric of a scrape has a help text")
    void scrape() throws IOException {
        String text = registry.scrape();
        List<String> types =
                text.lines().filter(line -> line.startsWith("# TYPE ")).toList();
        assertThat(text.lines().filter(line -> line.matches("# HELP \\S+ \\S.*")))
                .hasSameSizeAs(types);
        String file = System.getProperty("handoff.scrape");
        if (file != null) {
            Files.writeString(Path.of(file), text);
        }
    }
}
