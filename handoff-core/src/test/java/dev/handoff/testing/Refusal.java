// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testing;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What a client is told when something is refused. */
public final class Refusal {

    private Refusal() {}

    /** The problem that a call throws; fails if it throws something else or nothing. */
    public static Problem of(ThrowingCallable call) {
        ProblemException thrown = catchThrowableOfType(ProblemException.class, call);
        Assertions.assertThat(thrown).as("a ProblemException was thrown").isNotNull();
        return thrown.problem();
    }
}
