// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.dropwizard;

import jakarta.annotation.Priority;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.Principal;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sets the user of a request by HTTP Basic, and answers 401 to requests of others. Streams are read without it, by their token. */
@Priority(Priorities.AUTHENTICATION)
final class BasicAuthentication implements ContainerRequestFilter {

    private static final String SCHEME = "Basic ";

    /** A user of the example. */
    private record User(String name, String password) implements Principal {

        boolean sent(byte[] credentials) {
            return MessageDigest.isEqual((name + ':' + password).getBytes(StandardCharsets.UTF_8), credentials);
        }

        @Override
        public String getName() {
            return name;
        }
    }

    private final List<User> users = List.of(new User("alice", "wonderland"), new User("bob", "builder"));

    @Override
    public void filter(ContainerRequestContext request) {
        Optional<User> user = user(request.getHeaderString(HttpHeaders.AUTHORIZATION));
        if (user.isPresent()) {
            request.setSecurityContext(
                    new BasicContext(user.get(), request.getSecurityContext().isSecure()));
        } else {
            request.abortWith(Response.status(Response.Status.UNAUTHORIZED)
                    .header(HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"reports\"")
                    .build());
        }
    }

    private Optional<User> user(@Nullable String authorization) {
        if (authorization == null || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        try {
            byte[] given = Base64.getDecoder().decode(authorization.substring(SCHEME.length()));
            return users.stream().filter(user -> user.sent(given)).findFirst();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private record BasicContext(User user, boolean secure) implements SecurityContext {

        @Override
        public Principal getUserPrincipal() {
            return user;
        }

        @Override
        public boolean isUserInRole(String role) {
            return false;
        }

        @Override
        public boolean isSecure() {
            return secure;
        }

        @Override
        public String getAuthenticationScheme() {
            return SecurityContext.BASIC_AUTH;
        }
    }
}
