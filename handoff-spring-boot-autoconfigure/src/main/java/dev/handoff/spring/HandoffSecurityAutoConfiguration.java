// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.Arrays;
import java.util.Set;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigureOrder;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.util.matcher.OrRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;

/**
 * Adds a filter chain for the paths of handoff before that of Spring Boot, if the application has none of its own. It runs after
 * Spring Boot's auto-configurations of chains, because these add no chain if there is one already.
 */
@AutoConfiguration(
        after = HandoffServletAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration",
            "org.springframework.boot.autoconfigure.security.oauth2.client.servlet.OAuth2ClientWebSecurityAutoConfiguration",
            "org.springframework.boot.autoconfigure.security.oauth2.resource.servlet.OAuth2ResourceServerAutoConfiguration",
            "org.springframework.boot.autoconfigure.security.saml2.Saml2RelyingPartyAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.security.servlet.ManagementWebSecurityAutoConfiguration",
            "org.springframework.boot.security.oauth2.server.resource.autoconfigure.web.OAuth2ResourceServerWebSecurityAutoConfiguration",
            "org.springframework.boot.security.autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration",
            "org.springframework.boot.security.autoconfigure.actuate.web.servlet.ManagementWebSecurityAutoConfiguration"
        })
@AutoConfigureOrder(Ordered.LOWEST_PRECEDENCE)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({HttpSecurity.class, SecurityFilterChain.class})
@ConditionalOnBean(HandoffPaths.class)
class HandoffSecurityAutoConfiguration {

    /** The chains of Spring Boot whose users log in by HTTP Basic or by a form. */
    private static final Set<String> PASSWORD_CHAINS =
            Set.of("defaultSecurityFilterChain", "managementSecurityFilterChain");
    /** The chains of Spring Boot whose users send bearer tokens. Requests for streams may need the name of this user, too. */
    private static final String JWT_CHAIN = "jwtSecurityFilterChain";

    private static final String OPAQUE_TOKEN_CHAIN = "opaqueTokenSecurityFilterChain";

    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE + 100)
    @ConditionalOnBean(HttpSecurity.class)
    @Conditional(OnlyChainsOfSpringBoot.class)
    SecurityFilterChain handoffSecurityFilterChain(HttpSecurity http, HandoffPaths paths, ListableBeanFactory beans)
            throws Exception {
        RequestMatcher streams = paths::isStream;
        RequestMatcher handOffs = paths::isHandOff;
        boolean passwords = PASSWORD_CHAINS.stream().anyMatch(beans::containsBean);
        http.securityMatcher(passwords ? new OrRequestMatcher(streams, handOffs) : streams);
        HandoffSecurity.openStreams(http);
        http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated());
        if (passwords) {
            http.formLogin(Customizer.withDefaults()).httpBasic(Customizer.withDefaults());
        }
        if (beans.containsBean(JWT_CHAIN)) {
            http.oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()));
        } else if (beans.containsBean(OPAQUE_TOKEN_CHAIN)) {
            http.oauth2ResourceServer(server -> server.opaqueToken(Customizer.withDefaults()));
        }
        return http.build();
    }

    /** Returns the names of all security filter chains. */
    static Iterable<String> chains(ListableBeanFactory beans) {
        return Arrays.asList(beans.getBeanNamesForType(SecurityFilterChain.class, true, false));
    }
}
