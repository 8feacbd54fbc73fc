// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.observation.HandoffObserver;
import java.util.stream.Stream;

/**
 * Holds the observer that passes each call to all observers. The record does not implement {@link HandoffObserver}, so that an application
 * can inject its own observer.
 *
 * @param observer passes each call to all observers
 */
record ObserverOfAll(HandoffObserver observer) {

    static ObserverOfAll of(HandoffObserver own, Stream<HandoffObserver> others) {
        return new ObserverOfAll(Observers.all(Stream.concat(Stream.of(own), others)));
    }
}
