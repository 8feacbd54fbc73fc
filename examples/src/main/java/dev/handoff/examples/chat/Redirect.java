// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.RedirectPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Names the redirect policies that an option can choose. */
enum Redirect {
    SEE_OTHER,
    FOUND,
    TEMPORARY,
    ACCEL,
    ACCEPTED;

    /** Returns the policy. Clients can request another one by {@code Prefer}. */
    RedirectPolicy policy() {
        return RequestIds.on(RedirectPolicy.negotiated(
                switch (this) {
                    case SEE_OTHER -> RedirectPolicy.seeOther();
                    case FOUND -> RedirectPolicy.found();
                    case TEMPORARY -> RedirectPolicy.temporary();
                    case ACCEL -> RedirectPolicy.accel();
                    case ACCEPTED -> RedirectPolicy.accepted();
                }));
    }

    static List<String> names() {
        return Arrays.stream(values()).map(Redirect::toString).toList();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
