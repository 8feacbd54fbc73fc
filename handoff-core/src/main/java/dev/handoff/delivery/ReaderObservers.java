// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.token.Grant;
import java.util.Objects;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets the observers of readers from a function of the application. Logs what the function and its observers throw. Thread-safe. */
final class ReaderObservers {

    private static final Logger logger = LoggerFactory.getLogger(ReaderObservers.class);

    private final Function<Grant, ReaderObserver> function;
    private volatile boolean failed;

    ReaderObservers(Function<Grant, ReaderObserver> function) {
        this.function = function;
    }

    /** Returns an observer of a reader that never throws. */
    ReaderObserver of(Grant grant) {
        try {
            ReaderObserver observer =
                    Objects.requireNonNull(function.apply(grant), "the function returned no observer of a reader");
            return observer == ReaderObserver.NONE ? observer : new Guarded(observer);
        } catch (Throwable e) {
            log(e);
            return ReaderObserver.NONE;
        }
    }

    private void log(Throwable e) {
        Errors.rethrowFatal(e);
        if (failed) {
            logger.debug("the observer of a reader threw an exception again", e);
        } else {
            failed = true;
            logger.warn("the observer of a reader threw an exception; further ones are logged at debug level", e);
        }
    }

    private final class Guarded implements ReaderObserver {

        private final ReaderObserver observer;

        Guarded(ReaderObserver observer) {
            this.observer = observer;
        }

        @Override
        public void firstBytes() {
            try {
                observer.firstBytes();
            } catch (Throwable e) {
                log(e);
            }
        }

        @Override
        public void closed(ReaderEnd end) {
            try {
                observer.closed(end);
            } catch (Throwable e) {
                log(e);
            }
        }
    }
}
