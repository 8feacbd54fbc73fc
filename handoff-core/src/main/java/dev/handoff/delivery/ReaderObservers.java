// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.token.Grant;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets the observers of readers from functions of the application. Logs what the functions and their observers throw. Thread-safe. */
final class ReaderObservers {

    private static final Logger logger = LoggerFactory.getLogger(ReaderObservers.class);

    private final List<Function<Grant, ReaderObserver>> functions;
    private volatile boolean failed;

    ReaderObservers(List<Function<Grant, ReaderObserver>> functions) {
        this.functions = List.copyOf(functions);
    }

    /** Returns an observer of a reader that tells those of all functions, and never throws. */
    ReaderObserver of(Grant grant) {
        List<ReaderObserver> observers = functions.stream()
                .map(function -> observer(function, grant))
                .filter(observer -> observer != ReaderObserver.NONE)
                .toList();
        return switch (observers.size()) {
            case 0 -> ReaderObserver.NONE;
            case 1 -> observers.get(0);
            default -> new Several(observers);
        };
    }

    private ReaderObserver observer(Function<Grant, ReaderObserver> function, Grant grant) {
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

    /** Tells several observers, none of which throws. */
    private record Several(List<ReaderObserver> observers) implements ReaderObserver {

        @Override
        public void firstBytes() {
            observers.forEach(ReaderObserver::firstBytes);
        }

        @Override
        public void closed(ReaderEnd end) {
            observers.forEach(observer -> observer.closed(end));
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
