package dev.handoff.mongo.database;

/** A position in a stream. */
public record Position(String stream, long seq) {}
