/** The queue of tasks in MongoDB, and the workers that run them. */
@NullMarked
package dev.handoff.mongo.task;

import org.jspecify.annotations.NullMarked;
