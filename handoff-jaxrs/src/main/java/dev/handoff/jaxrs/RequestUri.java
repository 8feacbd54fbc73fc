// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.security.Principal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Returns the parts of a request in the form that the core expects. */
final class RequestUri {

    private RequestUri() {}

    /** Returns the decoded path below the base URI, which begins with a slash. */
    static String path(UriInfo uri) {
        String path = uri.getPath();
        return path.startsWith("/") ? path : '/' + path;
    }

    /** Returns the path of the base URI without a slash at the end. */
    static String contextPath(UriInfo uri) {
        return uri.getBaseUri().getRawPath().replaceFirst("/+$", "");
    }

    static @Nullable String query(UriInfo uri) {
        return uri.getRequestUri().getRawQuery();
    }

    /** Returns the lines of a header field as one value. Null if there are none. */
    static @Nullable String joined(@Nullable List<String> lines) {
        return lines == null || lines.isEmpty() ? null : String.join(", ", lines);
    }

    static @Nullable String subject(@Nullable SecurityContext security) {
        Principal user = security == null ? null : security.getUserPrincipal();
        return user == null ? null : user.getName();
    }
}
