// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.MediaType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import org.jspecify.annotations.Nullable;

/** The request that a filter of JAX-RS sees before the resource reads its content. */
final class FilteredRequest implements HandoffRequest {

    private static final int MAX_BODY_BYTES = 16 << 20;

    private final ContainerRequestContext context;
    private byte @Nullable [] bytes;

    FilteredRequest(ContainerRequestContext context) {
        this.context = context;
    }

    @Override
    public String method() {
        return context.getMethod();
    }

    @Override
    public String path() {
        return RequestUri.path(context.getUriInfo());
    }

    @Override
    public String contextPath() {
        return RequestUri.contextPath(context.getUriInfo());
    }

    @Override
    public @Nullable String query() {
        return RequestUri.query(context.getUriInfo());
    }

    @Override
    public @Nullable String header(String name) {
        return RequestUri.joined(context.getHeaders().get(name));
    }

    @Override
    public @Nullable String subject() {
        return RequestUri.subject(context.getSecurityContext());
    }

    @Override
    public String body() {
        Charset charset = charset();
        try {
            return charset.newDecoder().decode(ByteBuffer.wrap(bodyBytes())).toString();
        } catch (CharacterCodingException e) {
            throw ProblemCode.MALFORMED_CONTENT.exception("The content is not valid text in " + charset + '.', e);
        }
    }

    /** Returns the charset that the request names, or UTF-8. */
    private Charset charset() {
        MediaType type = context.getMediaType();
        String name = type == null ? null : type.getParameters().get(MediaType.CHARSET_PARAMETER);
        try {
            return name == null ? StandardCharsets.UTF_8 : Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            throw ProblemCode.UNSUPPORTED_CHARSET.exception(
                    "The charset of the content is not known: " + e.getMessage());
        }
    }

    @Override
    public byte[] bodyBytes() {
        byte[] known = bytes;
        if (known == null) {
            known = read();
            bytes = known;
            context.setEntityStream(new ByteArrayInputStream(known));
        }
        return known;
    }

    private byte[] read() {
        byte[] read;
        try {
            read = context.getEntityStream().readNBytes(MAX_BODY_BYTES + 1);
        } catch (IOException e) {
            throw ProblemCode.CONTENT_CUT.exception("The connection broke while the content was read.", e);
        }
        if (read.length > MAX_BODY_BYTES) {
            throw ProblemCode.CONTENT_TOO_LARGE.exception("The content has more than " + MAX_BODY_BYTES + " bytes.");
        }
        return read;
    }

    @Override
    public @Nullable Object attribute(String name) {
        return context.getProperty(name);
    }

    @Override
    public String pathVariable(String name) {
        String value = context.getUriInfo().getPathParameters().getFirst(name);
        return value == null ? HandoffRequest.super.pathVariable(name) : value;
    }
}
