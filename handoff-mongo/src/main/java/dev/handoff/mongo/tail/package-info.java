/**
 * Fetches new entries of the streams that have readers in this process. The types are public because other packages and handoff-minibatch
 * use them. Applications should not use them.
 */
@NullMarked
package dev.handoff.mongo.tail;

import org.jspecify.annotations.NullMarked;
