// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.util.Set;

/** Tells which error codes of the server mean that it refused an operation and would refuse it again. */
final class ErrorCodes {

    /**
     * BadValue, FailedToParse, Unauthorized, TypeMismatch, IllegalOperation, InvalidOptions, DocumentValidationFailure, BSONObjectTooLarge,
     * DuplicateKey.
     */
    private static final Set<Integer> REFUSALS = Set.of(2, 9, 13, 14, 20, 72, 121, 10334, 11000);

    private ErrorCodes() {}

    static boolean isRefusal(int code) {
        return REFUSALS.contains(code);
    }
}
