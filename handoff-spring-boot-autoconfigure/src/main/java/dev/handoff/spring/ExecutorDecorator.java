// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.concurrent.Executor;

/** Returns an executor that does something before and after each job of another one. */
interface ExecutorDecorator {

    /** Returns an executor that runs its jobs on another one. */
    Executor decorate(Executor executor);
}
