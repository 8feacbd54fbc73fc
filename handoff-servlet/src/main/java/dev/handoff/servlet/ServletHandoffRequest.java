package dev.handoff.servlet;

import dev.handoff.HandoffRequest;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A servlet request as the core sees it. Reads the body only when a route asks for it. Not thread-safe. */
final class ServletHandoffRequest implements HandoffRequest {

    private final HttpServletRequest request;
    private final Function<HttpServletRequest, @Nullable String> subject;
    private final int maxBodyBytes;
    private byte @Nullable [] body;

    ServletHandoffRequest(
            HttpServletRequest request, Function<HttpServletRequest, @Nullable String> subject, int maxBodyBytes) {
        this.request = request;
        this.subject = subject;
        this.maxBodyBytes = maxBodyBytes;
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

    @Override
    public @Nullable String subject() {
        return subject.apply(request);
    }

    @Override
    public String body() {
        byte[] bytes = body;
        if (bytes == null) {
            bytes = read();
            body = bytes;
        }
        return new String(bytes, charset());
    }

    /** The request for the rest of the chain: as it came, or with the body to be read once more. */
    HttpServletRequest forChain() {
        byte[] bytes = body;
        return bytes == null ? request : new ReplayedRequest(request, bytes);
    }

    private byte[] read() {
        // Not getContentType(), which fails on Jetty when it does not know the charset.
        String type = request.getHeader("Content-Type");
        if (type != null && type.toLowerCase(Locale.ROOT).startsWith("multipart/")) {
            throw new ProblemException(415, "unsupported_media_type", "The content is not read as text: " + type);
        }
        try {
            byte[] bytes = request.getInputStream().readNBytes(maxBodyBytes + 1);
            if (bytes.length > maxBodyBytes) {
                throw new ProblemException(
                        413, "content_too_large", "The content is larger than " + maxBodyBytes + " bytes.");
            }
            return bytes;
        } catch (IOException e) {
            throw new ProblemException(new Problem(400, "content_cut", "The content could not be read to its end."), e);
        }
    }

    private Charset charset() {
        try {
            String name = request.getCharacterEncoding();
            return name == null ? StandardCharsets.UTF_8 : Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            throw new ProblemException(
                    415, "unsupported_charset", "The charset of the content is not known: " + e.getMessage());
        }
    }
}
