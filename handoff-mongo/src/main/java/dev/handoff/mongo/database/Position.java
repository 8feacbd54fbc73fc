// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

/** Identifies a position in a stream. */
public record Position(String stream, long seq) {}
