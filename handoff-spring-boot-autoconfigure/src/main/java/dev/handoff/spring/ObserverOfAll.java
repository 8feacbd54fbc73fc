// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.observation.HandoffObserver;
import java.util.stream.Stream;

/**
 * Holds the observer that passes each call to all observers. It is no {@link HandoffObserver} itself, so that an application can inject its
 * own.
 *
 * @param observer passes each call to all observers
 */
record ObserverOfAll(HandoffObserver observer) {

    static ObserverOfAll of(HandoffObserver own, Stream<HandoffObserver> others) {
        return new ObserverOfAll(Observers.all(Stream.concat(Stream.of(own), others)));
    }
}
