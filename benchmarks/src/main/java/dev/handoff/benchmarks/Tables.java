// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** Writes the tables of docs/performance.md in Markdown. */
final class Tables {

    private static final String BEGIN = "<!-- storm: begin -->";
    private static final String END = "<!-- storm: end -->";

    private final StringBuilder text = new StringBuilder();

    void title(String title) {
        text.append("\n### ").append(title).append("\n\n");
    }

    void row(String... cells) {
        text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    void sentence(String sentence) {
        text.append('\n').append(sentence).append('\n');
    }

    /**
     * Returns a document with these tables in place of those between its marks.
     *
     * @throws IllegalArgumentException if the document lacks a mark
     */
    String replaceIn(String document) {
        int begin = document.indexOf(BEGIN);
        int end = document.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("the document lacks " + BEGIN + " or, after it, " + END);
        }
        return document.substring(0, begin + BEGIN.length()) + '\n' + text + document.substring(end);
    }

    @Override
    public String toString() {
        return text.toString();
    }

    /** Returns the median; the higher one of the two middle values if their number is even. */
    static double median(List<Report> reports, ToDoubleFunction<Report> value) {
        double[] sorted = sorted(reports, value);
        return sorted[sorted.length / 2];
    }

    /** Returns the median, and the lowest and the highest value if there are several. */
    static String spread(List<Report> reports, ToDoubleFunction<Report> value) {
        double[] sorted = sorted(reports, value);
        return number(sorted[sorted.length / 2])
                + (sorted.length == 1 ? "" : " (" + number(sorted[0]) + "–" + number(sorted[sorted.length - 1]) + ")");
    }

    /** Returns a number with two decimal places at most, and without them from 100 on. */
    static String number(double value) {
        return value >= 100 ? String.valueOf(Math.round(value)) : String.valueOf(Math.round(value * 100) / 100.0);
    }

    private static double[] sorted(List<Report> reports, ToDoubleFunction<Report> value) {
        return reports.stream().mapToDouble(value).sorted().toArray();
    }
}
