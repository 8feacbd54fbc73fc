/** Stores event streams in MongoDB: the store, its writers and its readers. */
@NullMarked
package dev.handoff.mongo.stream;

import org.jspecify.annotations.NullMarked;
