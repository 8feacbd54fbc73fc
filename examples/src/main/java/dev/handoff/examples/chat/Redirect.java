package dev.handoff.examples.chat;

import dev.handoff.RedirectPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The redirect policies that can be chosen by name. */
enum Redirect {
    SEE_OTHER,
    FOUND,
    TEMPORARY,
    ACCEL,
    ACCEPTED;

    /** The policy, for clients that do not ask for another by {@code Prefer}. */
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
