// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converts the values of options. Each error message names the value. */
final class Converters {

    private Converters() {}

    /** Converts a port from 0 to 65535. */
    static final class Port implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            if (!value.matches("[0-9]{1,5}") || Integer.parseInt(value) > 65535) {
                throw new TypeConversionException("'" + value + "' is not a port, 0 to 65535");
            }
            return Integer.valueOf(value);
        }
    }

    /** Converts a whole number of at least 1. */
    static final class Count implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            if (!value.matches("[0-9]{1,6}") || Integer.parseInt(value) == 0) {
                throw new TypeConversionException("'" + value + "' is not a whole number, 1 to 999999");
            }
            return Integer.valueOf(value);
        }
    }

    /** Converts a time above zero: {@code 90}, {@code 90s}, {@code 500ms}, {@code 15m}, {@code 24h}, {@code 7d} or ISO 8601. */
    static final class Time implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration time = parse(value);
            if (time.isNegative() || time.isZero()) {
                throw new TypeConversionException("'" + value + "' is not more than 0");
            }
            return time;
        }

        static Duration parse(String value) {
            if (value.matches("[0-9]{1,9}(ms|s|m|h|d)?")) {
                String unit = value.replaceFirst("^[0-9]+", "");
                long number = Long.parseLong(value.substring(0, value.length() - unit.length()));
                return switch (unit) {
                    case "ms" -> Duration.ofMillis(number);
                    case "m" -> Duration.ofMinutes(number);
                    case "h" -> Duration.ofHours(number);
                    case "d" -> Duration.ofDays(number);
                    default -> Duration.ofSeconds(number);
                };
            }
            try {
                return Duration.parse(value);
            } catch (DateTimeException e) {
                throw new TypeConversionException(
                        "'" + value + "' is not a time, such as 90 (seconds), 500ms, 15m, 24h or PT24H");
            }
        }
    }

    /** Converts a time of zero or more. */
    static final class TimeOrNone implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration time = Time.parse(value);
            if (time.isNegative()) {
                throw new TypeConversionException("'" + value + "' is less than 0");
            }
            return time;
        }
    }

    /** Converts a time above zero, or {@code never}, which becomes zero. */
    static final class TimeOrNever implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            return value.equals("never") ? Duration.ZERO : new Time().convert(value);
        }
    }

    /** Converts a host name without a port. */
    static final class HostName implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            if (!value.matches("[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")) {
                throw new TypeConversionException("'" + value + "' is not a host name, such as chat.example.com");
            }
            return value;
        }
    }

    /** Converts an origin as browsers send it, or {@code *}. */
    static final class Origin implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            if (!value.equals("*") && !value.matches("[a-z][a-z0-9+.-]*://[^/?#@\\s]+")) {
                throw new TypeConversionException(
                        "'" + value + "' is not an origin, such as https://chat.example.com, and not *");
            }
            return value;
        }
    }

    /** Converts the name of a redirect, which its {@code toString} returns. */
    static final class RedirectName implements ITypeConverter<Redirect> {
        @Override
        public Redirect convert(String value) {
            for (Redirect redirect : Redirect.values()) {
                if (redirect.toString().equals(value.toLowerCase(Locale.ROOT))) {
                    return redirect;
                }
            }
            throw new TypeConversionException("'" + value + "' is none of " + String.join(", ", Redirect.names()));
        }
    }
}
