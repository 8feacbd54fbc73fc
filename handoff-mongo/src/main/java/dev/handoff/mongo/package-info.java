/**
 * Streams and tasks in MongoDB, for any number of application servers, workers and streaming servers. One document holds a
 * minibatch of events, shaped so that the Python package minibatch reads it as a window.
 */
@NullMarked
package dev.handoff.mongo;

import org.jspecify.annotations.NullMarked;
