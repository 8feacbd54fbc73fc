/** Event streams in MongoDB: the store, the writers and the readers. */
@NullMarked
package dev.handoff.mongo.stream;

import org.jspecify.annotations.NullMarked;
