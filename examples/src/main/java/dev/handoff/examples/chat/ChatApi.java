package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.servlet.HandoffFilter;
import java.util.List;

/** The application's side: the API under both of its prefixes, and the page. */
final class ChatApi {

    private static final List<String> PREFIXES = List.of("/v1", "/api");

    private ChatApi() {}

    static void addTo(WebServer web, Handoff handoff, ModelCatalog catalog, ApiKeys keys) {
        ChatRoute route = new ChatRoute(catalog);
        ApiFilter guard = new ApiFilter(keys);
        ApiServlet rest = new ApiServlet(catalog);
        HandoffFilter.Builder handsOff =
                HandoffFilter.builder(handoff).subject(ApiFilter::subject).errors(OpenAiErrors::reply);
        for (String prefix : PREFIXES) {
            handsOff.post(prefix + "/chat/completions", route);
        }
        HandoffFilter filter = handsOff.build();
        for (String prefix : PREFIXES) {
            web.filter(prefix + "/*", guard);
            web.filter(prefix + "/chat/completions", filter);
            web.serve(prefix + "/*", rest);
        }
        web.serve("/", new PageServlet());
    }
}
