package dev.handoff.examples.chat;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the values of options; each error names the value. */
final class Converters {

    private Converters() {}

    /** A port, or 0. */
    static final class Port implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            if (!value.matches("[0-9]{1,5}") || Integer.parseInt(value) > 65535) {
                throw new TypeConversionException("'" + value + "' is not a port, 0 to 65535");
            }
            return Integer.valueOf(value);
        }
    }

    /** A number of at least one. */
    static final class Count implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            if (!value.matches("[0-9]{1,6}") || Integer.parseInt(value) == 0) {
                throw new TypeConversionException("'" + value + "' is not a whole number, 1 to 999999");
            }
            return Integer.valueOf(value);
        }
    }

    /** A time longer than none: {@code 90}, {@code 90s}, {@code 500ms}, {@code 15m}, {@code 24h}, {@code 7d} or ISO 8601. */
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

    /** A time that may be none. */
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

    /** A time longer than none, or {@code never}, which is zero. */
    static final class TimeOrNever implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            return value.equals("never") ? Duration.ZERO : new Time().convert(value);
        }
    }

    /** A host name without a port. */
    static final class HostName implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            if (!value.matches("[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")) {
                throw new TypeConversionException("'" + value + "' is not a host name, such as chat.example.com");
            }
            return value;
        }
    }

    /** An origin as browsers send it, or {@code *}. */
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

    /** The name of a redirect, as its {@code toString} gives it. */
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
