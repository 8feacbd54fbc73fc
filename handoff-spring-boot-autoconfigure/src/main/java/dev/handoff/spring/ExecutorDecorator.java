// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.concurrent.Executor;

/** Wraps an executor to do something before and after each of its jobs. */
interface ExecutorDecorator {

    /** Returns an executor that runs its jobs on the given one. */
    Executor decorate(Executor executor);
}
