package dev.handoff.servlet;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A servlet request as the core sees it. Reads the body only when a route asks for it. Not thread-safe. */
final class ServletHandoffRequest implements HandoffRequest {

    /** The code of the problem that demands an {@code Accept-Encoding} field in the response. */
    static final String UNSUPPORTED_ENCODING = "unsupported_content_encoding";

    private final HttpServletRequest request;
    private final Function<HttpServletRequest, @Nullable String> subjects;
    private final RequestBody body;
    private final Charset formCharset;
    private @Nullable String subject;
    private boolean subjectKnown;
    private @Nullable String text;

    /**
     * Creates the view of a request.
     *
     * @param formCharset the charset in which the container decodes forms that name none
     */
    ServletHandoffRequest(
            HttpServletRequest request,
            Function<HttpServletRequest, @Nullable String> subjects,
            RequestBody body,
            Charset formCharset) {
        this.request = request;
        this.subjects = subjects;
        this.body = body;
        this.formCharset = formCharset;
    }

    static String path(HttpServletRequest request) {
        String pathInfo = request.getPathInfo();
        return pathInfo == null ? request.getServletPath() : request.getServletPath() + pathInfo;
    }

    @Override
    public String method() {
        return request.getMethod();
    }

    @Override
    public String path() {
        return path(request);
    }

    @Override
    public String contextPath() {
        return request.getContextPath();
    }

    @Override
    public @Nullable String query() {
        return request.getQueryString();
    }

    @Override
    public @Nullable String header(String name) {
        List<String> lines = Collections.list(request.getHeaders(name));
        return lines.isEmpty() ? null : String.join(", ", lines);
    }

    /** Calls the application's function once, so that all decisions about a request are about the same subject. */
    @Override
    public @Nullable String subject() {
        if (!subjectKnown) {
            subject = subjects.apply(request);
            subjectKnown = true;
        }
        return subject;
    }

    @Override
    public String body() {
        String known = text;
        if (known == null) {
            known = readText();
            text = known;
        }
        return known;
    }

    /** Returns the request for the rest of the chain: as it came, or with a body that can be read once more. */
    HttpServletRequest forChain() {
        byte[] bytes = body.bytes();
        return bytes == null || body.foundNothing() ? request : new ReplayedRequest(request, bytes);
    }

    private String readText() {
        requireReadable();
        Charset charset = charset();
        byte[] bytes = body.read();
        String read = body.foundNothing() ? rebuild(charset) : BodyText.decode(bytes, charset);
        body.holdText(read, bytes.length);
        return read;
    }

    private void requireReadable() {
        String type = request.getHeader("Content-Type");
        if (type != null && type.toLowerCase(Locale.ROOT).startsWith("multipart/")) {
            throw new ProblemException(415, "unsupported_media_type", "The content is not read as text: " + type);
        }
        String encoding = header("Content-Encoding");
        if (encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase("identity")) {
            throw new ProblemException(
                    415,
                    UNSUPPORTED_ENCODING,
                    "The content must not be compressed, but its Content-Encoding is " + encoding + '.');
        }
    }

    private String rebuild(@Nullable Charset charset) {
        Optional<String> form = FormBody.isForm(request)
                ? FormBody.rebuild(request, charset == null ? formCharset : charset)
                : Optional.empty();
        if (form.isEmpty() && body.consumedBefore()) {
            throw consumed();
        }
        return form.orElse("");
    }

    private static ProblemException consumed() {
        return new ProblemException(
                500,
                "content_consumed",
                "The content cannot be read, because a filter of the application has read it before.");
    }

    /** Returns the charset that the request names; null if it names none. */
    private @Nullable Charset charset() {
        try {
            String name = request.getCharacterEncoding();
            return name == null ? null : Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            throw new ProblemException(
                    415, "unsupported_charset", "The charset of the content is not known: " + e.getMessage());
        }
    }
}
