// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.delivery.ReaderObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Observes the time from the connection of a reader to the first bytes of its stream. Thread-safe. */
final class ObservedDelivery implements ReaderObserver {

    private static final Logger logger = LoggerFactory.getLogger(ObservedDelivery.class);

    private final String streamId;
    /** Null after the observation was stopped, so that a long response does not keep it in memory. */
    private final AtomicReference<@Nullable GuardedObservation> pending;

    ObservedDelivery(String streamId, GuardedObservation started) {
        this.streamId = streamId;
        this.pending = new AtomicReference<>(started);
        log(started, "a reader of stream {} is connected");
    }

    @Override
    public void firstBytes() {
        GuardedObservation observation = pending.getAndSet(null);
        if (observation != null) {
            log(observation, "a reader of stream {} was sent its first event");
            observation.stop("delivered", null);
        }
    }

    @Override
    public void closed(ReaderEnd end) {
        GuardedObservation observation = pending.getAndSet(null);
        if (observation != null) {
            observation.stop(end.name().toLowerCase(Locale.ROOT), null);
        }
    }

    /** Logs a line in the scope of the observation, so that the line has the trace id if the logging of the application writes it. */
    private void log(GuardedObservation observation, String line) {
        if (logger.isDebugEnabled()) {
            try (GuardedObservation.Scope scope = observation.openScope()) {
                logger.debug(line, streamId);
            }
        }
    }
}
