// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Adapts a servlet request to {@link HandoffRequest}. The filter creates an adapter for its routes. A controller creates one with
 * {@link #of(HttpServletRequest)}:
 *
 * <pre>{@code
 * Reply reply = handoff.begin(ServletHandoffRequest.of(servletRequest), Task.of("report", order));
 * }</pre>
 *
 * <p>The body is read only when {@link #body} or {@link #bodyBytes} is called. {@link dev.handoff.Handoff} calls neither, so a controller
 * may have read the body before. In this case the two methods throw a {@link ProblemException} with the code {@code content_consumed},
 * unless the content is a form whose parameters the container has read.
 *
 * <p>{@link #attribute} returns an attribute of the servlet request. {@link #pathVariable} returns a variable of the path of the filter's
 * route. A controller gets the variables of its own path from its framework. Not thread-safe.
 */
public final class ServletHandoffRequest implements HandoffRequest {

    private final HttpServletRequest request;
    private final Function<HttpServletRequest, @Nullable String> subjects;
    private final RequestBody body;
    private final Supplier<Charset> formCharset;
    private final Map<String, String> variables;
    private @Nullable String subject;
    private boolean subjectKnown;
    private @Nullable String text;
    private byte @Nullable [] bytes;
    private boolean released;

    /**
     * Creates an adapter of a request.
     *
     * @param formCharset returns the charset in which the container decodes forms that name none
     * @param variables the values of the variables of the path
     */
    ServletHandoffRequest(
            HttpServletRequest request,
            Function<HttpServletRequest, @Nullable String> subjects,
            RequestBody body,
            Supplier<Charset> formCharset,
            Map<String, String> variables) {
        this.request = request;
        this.subjects = subjects;
        this.body = body;
        this.formCharset = formCharset;
        this.variables = variables;
    }

    /**
     * Returns an adapter of a request. The subject is the {@link HttpServletRequest#getRemoteUser remote user}. The body may have up to 16
     * MiB. It must arrive within 60 seconds and, after 10 seconds, at 1024 bytes per second on average. Unlike {@link HandoffFilter}, this
     * does not limit the memory of the bodies of all requests together.
     */
    public static ServletHandoffRequest of(HttpServletRequest request) {
        return of(request, HttpServletRequest::getRemoteUser);
    }

    /**
     * Returns an adapter of a request, as {@link #of(HttpServletRequest)} does, with another subject.
     *
     * @param subject returns the user of the request, or null for an unknown user; called at most once
     */
    public static ServletHandoffRequest of(
            HttpServletRequest request, Function<HttpServletRequest, @Nullable String> subject) {
        RequestBody body = new RequestBody(request, BodyLimits.ofOneRequest());
        return new ServletHandoffRequest(
                request,
                subject,
                body,
                () -> Container.of(request.getServletContext()).formCharset(),
                Map.of());
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

    /** Returns the subject. Calls the application's function only once, so that all decisions about a request use the same subject. */
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

    @Override
    public byte[] bodyBytes() {
        byte[] known = bytes;
        if (known == null) {
            if (released && text != null) {
                throw new IllegalStateException(
                        "the bytes of the content were released when the route had returned its task;"
                                + " call bodyBytes() in the route to keep them");
            }
            known = readBytes();
            bytes = known;
        }
        return known;
    }

    private byte[] readBytes() {
        byte[] read = body.read();
        if (body.foundNothing()) {
            Charset charset = charset();
            return rebuild(charset).getBytes(charset == null ? StandardCharsets.US_ASCII : charset);
        }
        return read;
    }

    @Override
    public @Nullable Object attribute(String name) {
        return request.getAttribute(name);
    }

    @Override
    public String pathVariable(String name) {
        String value = variables.get(name);
        return value == null ? HandoffRequest.super.pathVariable(name) : value;
    }

    /** Releases the memory of the bytes, if the route has not asked for them. The request does not pass to the application then. */
    void release() {
        released = true;
        if (bytes == null) {
            body.drop();
        }
    }

    /** Returns the request for the rest of the chain: the original, or one whose body can be read again. */
    HttpServletRequest forChain() {
        byte[] read = body.bytes();
        return read == null || body.foundNothing() ? request : new ReplayedRequest(request, read);
    }

    private String readText() {
        requireReadable();
        Charset charset = charset();
        byte[] raw = body.read();
        String read = body.foundNothing() ? rebuild(charset) : BodyText.decode(raw, charset);
        body.holdText(read, raw.length);
        return read;
    }

    private void requireReadable() {
        String type = request.getHeader("Content-Type");
        if (type != null && type.toLowerCase(Locale.ROOT).startsWith("multipart/")) {
            throw ProblemCode.UNSUPPORTED_MEDIA_TYPE.exception("The content cannot be read as text: " + type);
        }
        String encoding = header("Content-Encoding");
        if (encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase("identity")) {
            throw ProblemCode.UNSUPPORTED_CONTENT_ENCODING.exception(
                    "The content must not be compressed, but its Content-Encoding is " + encoding + '.');
        }
    }

    private String rebuild(@Nullable Charset charset) {
        Optional<String> form = FormBody.isForm(request)
                ? FormBody.rebuild(request, charset == null ? formCharset.get() : charset)
                : Optional.empty();
        if (form.isEmpty() && body.consumedBefore()) {
            throw consumed();
        }
        return form.orElse("");
    }

    private static ProblemException consumed() {
        return ProblemCode.CONTENT_CONSUMED.exception(
                "The content cannot be read, because a filter of the application has read it before.");
    }

    /** Returns the charset that the request names; null if it names none. */
    private @Nullable Charset charset() {
        try {
            String name = request.getCharacterEncoding();
            return name == null ? null : Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            throw ProblemCode.UNSUPPORTED_CHARSET.exception(
                    "The charset of the content is not known: " + e.getMessage());
        }
    }
}
