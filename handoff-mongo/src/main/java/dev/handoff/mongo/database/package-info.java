/**
 * Defines the operations on the database that the store, the queue and the workers use, and implements them with the driver of MongoDB. The
 * types are public because other packages of this module use them. Applications should not use them.
 */
@NullMarked
package dev.handoff.mongo.database;

import org.jspecify.annotations.NullMarked;
