/**
 * Observes handoff with Micrometer: {@link dev.handoff.micrometer.HandoffMetrics} records metrics, and {@link
 * dev.handoff.micrometer.HandoffTracing} makes one trace of a request, its task and the delivery of the first event.
 */
@NullMarked
package dev.handoff.micrometer;

import org.jspecify.annotations.NullMarked;
