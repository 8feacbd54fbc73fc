/** Queues tasks in MongoDB, and runs them in workers. */
@NullMarked
package dev.handoff.mongo.task;

import org.jspecify.annotations.NullMarked;
