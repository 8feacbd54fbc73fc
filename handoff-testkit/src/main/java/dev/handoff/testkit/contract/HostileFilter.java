// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;

/**
 * Stands before the streaming server and hides from the container how the servlet ends. The header {@code X-Filter} of a request says how.
 */
final class HostileFilter extends HttpFilter {

    /**
     * Wraps the request and the response, and catches each exception of the servlet. The filter for error pages that Spring Boot adds to a
     * WAR does so.
     */
    static final String SWALLOWING = "swallowing";
    /** Does not pass on a request that is dispatched within the container. A filter that refuses a request without a login does so. */
    static final String REFUSING = "refusing";

    private static final long serialVersionUID = 1;

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        String kind = request.getHeader("X-Filter");
        if (SWALLOWING.equals(kind)) {
            try {
                chain.doFilter(new HttpServletRequestWrapper(request), new HttpServletResponseWrapper(response));
            } catch (IOException | ServletException | RuntimeException e) {
                response.flushBuffer();
            }
        } else if (!REFUSING.equals(kind) || request.getDispatcherType() == DispatcherType.REQUEST) {
            chain.doFilter(request, response);
        }
    }
}
