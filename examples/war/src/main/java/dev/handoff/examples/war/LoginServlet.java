// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.war;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/** Logs a user in: {@code POST /login} with a user and a password that {@code web.xml} names. */
public final class LoginServlet extends HttpServlet {

    /** The attribute of the session that holds the name of the user. */
    static final String USER = "user";

    private static final long serialVersionUID = 1;

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String user = request.getParameter("user");
        String expected = user == null ? null : getInitParameter(user);
        if (!same(expected, request.getParameter("password"))) {
            response.sendError(HttpServletResponse.SC_FORBIDDEN, "The user or the password is wrong.");
            return;
        }
        request.getSession();
        request.changeSessionId();
        request.getSession().setAttribute(USER, user);
        response.sendRedirect(request.getContextPath() + "/");
    }

    private static boolean same(@Nullable String expected, @Nullable String given) {
        return expected != null
                && given != null
                && MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }
}
