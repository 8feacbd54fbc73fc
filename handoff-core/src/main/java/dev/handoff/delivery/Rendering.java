// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Errors;
import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls a {@link StreamFormat}, which may be code of the application, and checks its results. A format fails if it throws, or returns null
 * or a header field that cannot be sent. This class then throws a {@code FormatException} or answers with problem details.
 */
public final class Rendering {

    /** The problem of a stream whose format throws or returns nonsense. */
    static final Problem FORMAT_FAILED =
            ProblemCode.FORMAT_FAILED.problem("The server could not render this entry of the stream.");

    private static final Problem UNAVAILABLE =
            ProblemCode.UNAVAILABLE.problem("The server cannot look up the stream at the moment. Try again.");

    private static final Logger logger = LoggerFactory.getLogger(Rendering.class);
    private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    private static final Pattern VALUE = Pattern.compile("[\\t\\x20-\\x7E\\x{80}-\\x{FF}]*");
    /** The server derives these from the content. */
    private static final Set<String> OF_THE_SERVER =
            Set.of("content-length", "transfer-encoding", "connection", "trailer", "upgrade");

    private Rendering() {}

    /**
     * Returns the additional header fields of the answers in a format.
     *
     * @throws RuntimeException if the format throws, or returns null or fields that cannot be sent; {@link #problemOf} returns the problem
     *     for the client
     */
    public static Map<String, String> headers(StreamFormat format, String streamId) {
        try {
            Map<String, String> headers = format.headers(streamId);
            headers.forEach(Rendering::requireSendable);
            return headers;
        } catch (Throwable e) {
            throw failure(format, e);
        }
    }

    /**
     * Returns how the frames of a format are written.
     *
     * @throws RuntimeException if the format throws or returns null; {@link #problemOf} says what a client may know
     */
    static Framing framing(StreamFormat.EventFormat format) {
        try {
            return Objects.requireNonNull(format.framing(), "framing");
        } catch (Throwable e) {
            throw failure(format, e);
        }
    }

    /**
     * Returns the format in which a client reads a stream; see {@link StreamFormat.EventFormat#acceptedBy}. If the format is a
     * {@link StreamFormat.DocumentFormat}, this returns it unchanged.
     *
     * @param accept the header field {@code Accept} of the client; null if it sent none
     * @throws RuntimeException if the format throws or returns null; {@link #problemOf} says what a client may know
     */
    public static StreamFormat accepted(StreamFormat format, @Nullable String accept) {
        if (!(format instanceof StreamFormat.EventFormat events)) {
            return format;
        }
        try {
            return Objects.requireNonNull(events.acceptedBy(accept), "the accepted format");
        } catch (Throwable e) {
            throw failure(format, e);
        }
    }

    /**
     * Returns the content type of documents after spaces; null if there can be no spaces before them.
     *
     * @throws RuntimeException if the format throws or returns a type that cannot be sent; {@link #problemOf} says what a client may know
     */
    static @Nullable String contentTypeAfterSpaces(StreamFormat.DocumentFormat format) {
        try {
            String type = format.contentTypeAfterSpaces();
            if (type != null) {
                requireSendable("Content-Type", type);
            }
            return type;
        } catch (Throwable e) {
            throw failure(format, e);
        }
    }

    /**
     * Returns the document for an end, or the error that says that the format failed. SDKs are told not to try again.
     */
    static Reply document(StreamFormat.DocumentFormat format, End end) {
        try {
            Reply reply = format.document(end);
            requireSendable(reply);
            return reply.with("x-should-retry", "false");
        } catch (Throwable e) {
            logger.error("a format failed to render a document, the client gets an error", failure(format, e));
            return error(format, FORMAT_FAILED);
        }
    }

    /**
     * Returns the answer to a request that failed: in the form of the format if there is one and it works, else as problem details. The
     * answer tells SDKs not to try again, because the task was accepted. A 503 has {@code Retry-After}.
     */
    public static Reply error(@Nullable StreamFormat format, Problem problem) {
        Reply reply = errorOf(format, problem).with("x-should-retry", "false");
        if (reply.status() == 503) {
            reply = reply.withDefault("Retry-After", "1");
        }
        return reply.withDefault("Cache-Control", "no-store");
    }

    /**
     * Returns the problem that a client is shown for an exception, and logs an exception that the client is not shown. Throws errors of the
     * JVM, such as {@link OutOfMemoryError}.
     */
    public static Problem problemOf(Throwable e) {
        if (e instanceof ProblemException known) {
            return known.problem();
        }
        Errors.rethrowFatal(e);
        if (e instanceof FormatException) {
            logger.error("a format failed, the request is refused", e);
            return FORMAT_FAILED;
        }
        logger.warn("the store or the dispatcher failed, the request is refused", e);
        return UNAVAILABLE;
    }

    private static Reply errorOf(@Nullable StreamFormat format, Problem problem) {
        if (format != null) {
            try {
                Reply reply = format.error(problem);
                requireSendable(reply);
                return reply;
            } catch (Throwable e) {
                logger.error("a format failed to render an error, the client gets problem details", failure(format, e));
            }
        }
        return problem.toReply();
    }

    /** Returns the frames that say that the server stops in mid-stream; none if the format fails. */
    static List<StreamFormat.Frame> interrupted(StreamFormat.EventFormat format, Problem problem) {
        try {
            return List.of(format.interrupted(problem));
        } catch (Throwable e) {
            logger.error("a format failed to render an interruption, no last frame is sent", failure(format, e));
            return List.of();
        }
    }

    /** Returns the frames that say that the format failed; those of an interruption if the format fails again. */
    static List<StreamFormat.Frame> failed(StreamFormat.EventFormat format) {
        try {
            List<StreamFormat.Frame> frames = List.copyOf(format.frames(End.failed(FORMAT_FAILED)));
            if (!frames.isEmpty()) {
                return frames;
            }
        } catch (Throwable e) {
            logger.debug("a format failed to render its failure, the client gets an interruption", failure(format, e));
        }
        return interrupted(format, FORMAT_FAILED);
    }

    /** Returns the exception for what a format has thrown; an error of the whole JVM is thrown instead. */
    static FormatException failure(StreamFormat format, Throwable e) {
        Errors.rethrowFatal(e);
        return new FormatException(nameOf(format), e);
    }

    private static String nameOf(StreamFormat format) {
        return format.getClass().getName();
    }

    private static void requireSendable(Reply reply) {
        reply.headers().forEach((name, values) -> values.forEach(value -> requireSendable(name, value)));
    }

    private static void requireSendable(String name, String value) {
        if (!NAME.matcher(name).matches() || OF_THE_SERVER.contains(name.toLowerCase(Locale.ROOT))) {
            throw new IllegalArgumentException("a format cannot set the header field \"" + printable(name) + '"');
        }
        if (!VALUE.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "the header field " + name + " cannot have the value \"" + printable(value) + '"');
        }
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
