// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Protects a server without keys from the pages that its users visit. Such a page could send cross-origin requests, or point its own host
 * name at this server (DNS rebinding). A request must therefore name a known host. If it names the origin of a page, that must be this
 * server or an allowed origin.
 *
 * <p>Thread-safe.
 */
final class HostFilter extends HttpFilter {

    private static final long serialVersionUID = 1;

    private final transient Set<String> allowedHosts;
    private final transient ApiCors cors;

    /**
     * Creates a filter that accepts requests for these hosts, IP addresses and {@code localhost}.
     *
     * @param allowedHosts names without a port
     * @param cors the origins whose pages may send requests
     */
    HostFilter(Collection<String> allowedHosts, ApiCors cors) {
        this.allowedHosts =
                allowedHosts.stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
        this.cors = cors;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<Problem> problem = problem(request);
        if (problem.isPresent()) {
            ServletReplies.write(response, OpenAiErrors.reply(problem.get()));
        } else {
            chain.doFilter(request, response);
        }
    }

    private Optional<Problem> problem(HttpServletRequest request) {
        String host = request.getServerName();
        if (!isKnown(host)) {
            return Optional.of(new Problem(
                    403,
                    "host_not_allowed",
                    "This server does not serve the host name " + host + ". If it should, start it with --allowed-host "
                            + host + ", or set " + Environment.API_KEYS + '.'));
        }
        String origin = request.getHeader("Origin");
        if (origin != null && !isOfThisServer(origin, request.getHeader("Host")) && !cors.allows(origin)) {
            return Optional.of(new Problem(
                    403,
                    "origin_not_allowed",
                    "Pages of the origin " + origin + " may not use this server. If they should, start it with"
                            + " --cors-origin " + origin + '.'));
        }
        return Optional.empty();
    }

    private boolean isKnown(String host) {
        String name = host.toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
        // DNS rebinding needs a host name, so IP addresses are safe.
        boolean address = name.indexOf(':') >= 0 || name.matches("[0-9.]+");
        return address || name.equals("localhost") || name.endsWith(".localhost") || allowedHosts.contains(name);
    }

    private static boolean isOfThisServer(String origin, @Nullable String host) {
        // Browsers omit the default port in both fields. Other clients may send it.
        return host != null
                && (origin.equalsIgnoreCase("http://" + host.replaceFirst(":80$", ""))
                        || origin.equalsIgnoreCase("https://" + host.replaceFirst(":443$", "")));
    }
}
