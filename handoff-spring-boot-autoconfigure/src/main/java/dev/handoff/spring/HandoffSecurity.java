// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.context.ApplicationContext;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.CsrfConfigurer;
import org.springframework.security.web.util.matcher.RequestMatcher;

/**
 * Prepares the security filter chain of an application for handoff. Call it before the chain says which requests need a login:
 *
 * <pre>{@code
 * @Bean
 * SecurityFilterChain security(HttpSecurity http) throws Exception {
 *     HandoffSecurity.openStreams(http);
 *     return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
 *             .formLogin(Customizer.withDefaults())
 *             .build();
 * }
 * }</pre>
 *
 * <p>An application without a chain of its own need not call it.
 */
public final class HandoffSecurity {

    private HandoffSecurity() {}

    /**
     * Lets requests for streams pass without a login and without a CSRF token, because the token in their path permits the access. So
     * clients can cancel a task with DELETE.
     *
     * <p>POST requests that start a task still need a login and a CSRF token. There is one exception: a request that no page of a browser
     * can send needs no CSRF token. It has the header {@code Authorization} and none of the headers {@code Cookie}, {@code Origin} and
     * {@code Sec-Fetch-Site}. So programs such as curl can start tasks. If the chain has no CSRF protection, this method adds none.
     *
     * <p>Does nothing if {@code handoff.enabled} is false.
     *
     * @return the same object
     * @throws IllegalStateException if the chain already has a rule for {@code anyRequest()}
     */
    @SuppressWarnings("unchecked")
    public static HttpSecurity openStreams(HttpSecurity http) {
        HandoffPaths paths = http.getSharedObject(ApplicationContext.class)
                .getBeanProvider(HandoffPaths.class)
                .getIfAvailable();
        if (paths == null) {
            return http;
        }
        RequestMatcher streams = paths::isStream;
        RequestMatcher programs = request -> isProgram(request) && paths.isHandOff(request);
        try {
            http.authorizeHttpRequests(
                    requests -> requests.requestMatchers(streams).permitAll());
            if (http.getConfigurer(CsrfConfigurer.class) != null) {
                http.csrf(csrf -> csrf.ignoringRequestMatchers(streams, programs));
            }
            return http;
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            // Spring Security 6 declares this exception, but does not throw it here.
            throw new IllegalStateException(e);
        }
    }

    /**
     * Returns whether a program has sent the request, and not a page in a browser. A browser adds the credentials of HTTP Basic by itself,
     * even for a page of another site, but it also sends {@code Origin} with each POST.
     */
    private static boolean isProgram(HttpServletRequest request) {
        return request.getHeader("Authorization") != null
                && request.getHeader("Cookie") == null
                && request.getHeader("Origin") == null
                && request.getHeader("Sec-Fetch-Site") == null;
    }
}
