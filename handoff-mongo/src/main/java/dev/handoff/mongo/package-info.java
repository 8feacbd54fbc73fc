/**
 * Stores streams and tasks in MongoDB, for any number of application servers, workers and streaming servers. One document holds a batch of
 * events. The Python package minibatch can read it as a window.
 */
@NullMarked
package dev.handoff.mongo;

import org.jspecify.annotations.NullMarked;
