// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads the values of parameters, each to its end, and keeps the first mistake of each parameter. The value null means that the parameter
 * is absent. Not thread-safe.
 */
final class ParamReader {

    /** Reads one field of an object, or one element of an array. */
    @FunctionalInterface
    interface Part {

        /**
         * Reads the current value to its end.
         *
         * @param name the name of the field, or the index of the element
         */
        void read(String name) throws IOException;
    }

    private final RequestTokens tokens;
    private final Map<String, ParamMistake> mistakes = new LinkedHashMap<>();

    ParamReader(RequestTokens tokens) {
        this.tokens = tokens;
    }

    /** Returns the first mistake; null if there is none. */
    @Nullable
    ParamMistake mistake() {
        return mistakes.values().stream().findFirst().orElse(null);
    }

    /** Forgets the mistake of a parameter that occurs again, because its last value is used. */
    void forget(String param) {
        mistakes.remove(param);
    }

    /** Adds a mistake. Each parameter of the request keeps only its first. */
    void mistake(String param, String wrong) {
        mistakes.putIfAbsent(param.replaceFirst("[.\\[].*", ""), new ParamMistake(param, wrong));
    }

    void skip() throws IOException {
        tokens.skip();
    }

    boolean atNull() {
        return tokens.current() == JsonToken.VALUE_NULL;
    }

    boolean atString() {
        return tokens.current() == JsonToken.VALUE_STRING;
    }

    boolean atArray() {
        return tokens.current() == JsonToken.START_ARRAY;
    }

    boolean flag(String param) throws IOException {
        JsonToken value = tokens.current();
        String shown = tokens.skipAndShow();
        if (value != JsonToken.VALUE_NULL && !value.isBoolean()) {
            mistake(param, "is " + shown + ", neither true nor false.");
        }
        return value == JsonToken.VALUE_TRUE;
    }

    void number(String param, int min, int max) throws IOException {
        // The difference to the exact value does not matter, and an exponent of any size is fine.
        double value = tokens.current().isNumeric() ? Double.parseDouble(tokens.text()) : Double.NaN;
        boolean absent = atNull();
        String shown = tokens.skipAndShow();
        if (!absent && !(value >= min && value <= max)) {
            mistake(param, "is " + shown + ", not a number of " + min + " to " + max + '.');
        }
    }

    /** Returns the whole number; empty if it is absent or out of range. */
    OptionalLong wholeNumber(String param, long min, long max) throws IOException {
        BigInteger value = tokens.current() == JsonToken.VALUE_NUMBER_INT ? new BigInteger(tokens.text()) : null;
        boolean absent = atNull();
        String shown = tokens.skipAndShow();
        if (value != null
                && value.compareTo(BigInteger.valueOf(min)) >= 0
                && value.compareTo(BigInteger.valueOf(max)) <= 0) {
            return OptionalLong.of(value.longValue());
        }
        if (!absent) {
            String range = max == Long.MAX_VALUE ? "at least " + min : min + " to " + max;
            mistake(param, "is " + shown + ", not a whole number of " + range + '.');
        }
        return OptionalLong.empty();
    }

    /** Returns the string; null if the value is not a string, which is a mistake. */
    @Nullable
    String string(String param) throws IOException {
        if (atString()) {
            return tokens.text();
        }
        mistake(param, "is " + tokens.skipAndShow() + ", not a string.");
        return null;
    }

    /** Returns the string; null if the value is none of these, which is a mistake. */
    @Nullable
    String oneOf(String param, String... known) throws IOException {
        List<String> names = Arrays.asList(known);
        if (atString() && names.contains(tokens.text())) {
            return tokens.text();
        }
        mistake(param, "is " + tokens.skipAndShow() + ", none of " + String.join(", ", names) + '.');
        return null;
    }

    /** Reads an object. Returns whether the value is one; if not, that is a mistake. */
    boolean object(String param, Part field) throws IOException {
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake(param, "is " + tokens.skipAndShow() + ", not an object.");
            return false;
        }
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            tokens.next();
            field.read(name);
        }
        return true;
    }

    /** Reads an array. Returns the number of elements; if the value is not an array, that is a mistake. */
    int array(String param, Part element) throws IOException {
        if (!atArray()) {
            mistake(param, "is " + tokens.skipAndShow() + ", not an array.");
            return 0;
        }
        int size = 0;
        for (; tokens.next() != JsonToken.END_ARRAY; size++) {
            element.read(String.valueOf(size));
        }
        return size;
    }
}
