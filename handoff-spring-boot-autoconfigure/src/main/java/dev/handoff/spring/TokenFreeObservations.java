// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import io.micrometer.common.KeyValue;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationFilter;
import org.springframework.http.server.observation.ServerRequestObservationContext;

/**
 * Replaces the path of a stream in the observations of requests, which Spring would send to the tracing system as {@code http.url}. A
 * person who knows the path can read the stream and cancel its task.
 */
final class TokenFreeObservations implements ObservationFilter {

    private static final String URL = "http.url";

    private final HandoffPaths paths;

    TokenFreeObservations(HandoffPaths paths) {
        this.paths = paths;
    }

    @Override
    public Observation.Context map(Observation.Context context) {
        if (context instanceof ServerRequestObservationContext request
                && request.getCarrier() != null
                && paths.isStream(request.getCarrier())
                && request.getHighCardinalityKeyValue(URL) != null) {
            request.addHighCardinalityKeyValue(KeyValue.of(URL, paths.withoutToken(request.getCarrier())));
        }
        return context;
    }
}
