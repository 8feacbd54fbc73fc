// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Texts of stack traces. */
final class Traces {

    private Traces() {}

    static String of(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }
}
