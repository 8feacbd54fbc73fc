/**
 * Follows the tails of streams that have readers in this process. The types are public because other packages and handoff-minibatch use them. They
 * are not an interface for applications.
 */
@NullMarked
package dev.handoff.mongo.tail;

import org.jspecify.annotations.NullMarked;
