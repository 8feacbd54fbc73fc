// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.war;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;

/**
 * Sets the user of a request from its session, and answers 401 to requests without a user. {@code web.xml} declares it, so it runs before the
 * filter of the hand-off. Its init parameter {@code open} is a regular expression of the paths that need no login.
 */
public final class AuthenticationFilter extends HttpFilter {

    private static final long serialVersionUID = 1;

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        HttpSession session = request.getSession(false);
        Object user = session == null ? null : session.getAttribute(LoginServlet.USER);
        // The decoded path, by which the container chooses servlets and filters. The URI may hold "..".
        String path = request.getServletPath() + (request.getPathInfo() == null ? "" : request.getPathInfo());
        if (user != null) {
            chain.doFilter(new UserRequest(request, (String) user), response);
        } else if (path.matches(getInitParameter("open"))) {
            chain.doFilter(request, response);
        } else {
            response.sendError(HttpServletResponse.SC_UNAUTHORIZED, "Log in first.");
        }
    }

    private static final class UserRequest extends HttpServletRequestWrapper {

        private final String user;

        UserRequest(HttpServletRequest request, String user) {
            super(request);
            this.user = user;
        }

        @Override
        public String getRemoteUser() {
            return user;
        }
    }
}
