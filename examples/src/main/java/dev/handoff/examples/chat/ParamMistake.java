// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;

/**
 * A mistake in one parameter of a request.
 *
 * @param param the name of the parameter
 * @param wrong what is wrong with it: the rest of the sentence that begins with the name
 */
record ParamMistake(String param, String wrong) {

    ProblemException toException() {
        return OpenAiErrors.invalid(param, wrong);
    }
}
