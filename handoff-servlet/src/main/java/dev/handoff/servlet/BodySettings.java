// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.time.Ticker;
import java.time.Duration;

/** The limits on bodies that an application sets, until the container is known. Not thread-safe. */
final class BodySettings {

    private static final int MAX_WAITING_OF_200_THREADS = 100;

    private int maxBodyBytes = BodyLimits.DEFAULT_MAX_BYTES;
    private long maxBodyBytesInFlight = Runtime.getRuntime().maxMemory() / 8;
    private Duration bodyDeadline = Duration.ofSeconds(60);
    private int minBodyRate = 1024;
    private int maxWaitingBodies;
    private Ticker ticker = Ticker.system();

    BodySettings() {}

    /** Creates a copy. */
    BodySettings(BodySettings other) {
        this.maxBodyBytes = other.maxBodyBytes;
        this.maxBodyBytesInFlight = other.maxBodyBytesInFlight;
        this.bodyDeadline = other.bodyDeadline;
        this.minBodyRate = other.minBodyRate;
        this.maxWaitingBodies = other.maxWaitingBodies;
        this.ticker = other.ticker;
    }

    void maxBodyBytes(int value) {
        if (value < 1 || value == Integer.MAX_VALUE) {
            throw new IllegalArgumentException("maxBodyBytes is not between 1 and 2147483646: " + value);
        }
        maxBodyBytes = value;
    }

    void maxBodyBytesInFlight(long value) {
        if (value < 3) {
            throw new IllegalArgumentException("maxBodyBytesInFlight is less than 3: " + value);
        }
        maxBodyBytesInFlight = value;
    }

    void bodyDeadline(Duration value) {
        bodyDeadline = Durations.requireMillis("bodyDeadline", value);
    }

    void minBodyRate(int bytesPerSecond) {
        if (bytesPerSecond < 0) {
            throw new IllegalArgumentException("minBodyRate is negative: " + bytesPerSecond);
        }
        minBodyRate = bytesPerSecond;
    }

    void maxWaitingBodies(int value) {
        maxWaitingBodies = Counts.requirePositive("maxWaitingBodies", value);
    }

    void ticker(Ticker value) {
        ticker = value;
    }

    /** Returns the limits in a container. */
    BodyLimits in(Container container) {
        boolean manyThreads = container == Container.JETTY || container == Container.TOMCAT;
        int waitingByDefault = manyThreads
                ? MAX_WAITING_OF_200_THREADS
                : Math.max(8, 4 * Runtime.getRuntime().availableProcessors());
        return new BodyLimits(
                (int) Math.min(maxBodyBytes, maxBodyBytesInFlight / 3),
                maxBodyBytesInFlight,
                bodyDeadline.toMillis(),
                minBodyRate,
                maxWaitingBodies == 0 ? waitingByDefault : maxWaitingBodies,
                ticker);
    }
}
