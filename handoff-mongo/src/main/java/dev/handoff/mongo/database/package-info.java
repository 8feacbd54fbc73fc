/**
 * The operations on the database that streams and tasks are built from, and their implementation with the driver of MongoDB. The types are
 * public because the other packages of this module use them. They are not an interface for applications.
 */
@NullMarked
package dev.handoff.mongo.database;

import org.jspecify.annotations.NullMarked;
