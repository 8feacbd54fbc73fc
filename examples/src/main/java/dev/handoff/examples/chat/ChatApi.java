// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.servlet.HandoffFilter;
import jakarta.servlet.Filter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Adds the application to a web server: the API under both of its prefixes, and the page. */
final class ChatApi {

    private static final List<String> PREFIXES = List.of("/v1", "/api");

    private ChatApi() {}

    static void addTo(
            WebServer web,
            Handoff handoff,
            Responses responses,
            ModelCatalog catalog,
            ApiKeys keys,
            AccessOptions access) {
        ApiCors cors = new ApiCors(Set.of(access.cors.origins()));
        HandoffFilter.Builder handsOff = HandoffFilter.builder(handoff)
                .subject(KeyFilter::subject)
                .errors(OpenAiErrors::reply)
                .maxBodyBytes(web.maxBodyBytes());
        ChatRoute route = new ChatRoute(catalog);
        ResponseRoute responseRoute = new ResponseRoute(catalog);
        for (String prefix : PREFIXES) {
            handsOff.post(prefix + "/chat/completions", route);
            handsOff.post(
                    prefix + "/responses", responseRoute, settings -> settings.redirectPolicy(responses.policy()));
        }
        web.readBodiesIf(
                authorization -> keys.open() || keys.subject(authorization).isPresent());
        List<Filter> hosts = hosts(web, keys, access, cors);
        List<Filter> filters = new ArrayList<>();
        filters.add(new ApiFilter(cors));
        filters.addAll(hosts);
        filters.add(new KeyFilter(keys));
        filters.add(handsOff.build());
        web.serve(PREFIXES.stream().map(prefix -> prefix + "/*").toList(), filters, new ApiServlet(catalog, responses));
        web.serve(List.of("/"), hosts, new PageServlet());
    }

    /** Returns no filter if requests need keys. Pages of other sites know no key, so a client with a key may use any host name. */
    private static List<Filter> hosts(WebServer web, ApiKeys keys, AccessOptions access, ApiCors cors) {
        if (!keys.open()) {
            return List.of();
        }
        List<String> names = new ArrayList<>(access.allowedHosts);
        names.add(web.host());
        return List.of(new HostFilter(names, cors));
    }
}
