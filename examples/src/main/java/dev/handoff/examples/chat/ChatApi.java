package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.servlet.HandoffFilter;
import java.util.List;

/** The application's side: the API under both of its prefixes, and the page. */
final class ChatApi {

    private static final List<String> PREFIXES = List.of("/v1", "/api");

    private ChatApi() {}

    static void addTo(WebServer web, Handoff handoff, ModelCatalog catalog, ApiKeys keys) {
        HandoffFilter.Builder handsOff =
                HandoffFilter.builder(handoff).subject(ApiFilter::subject).errors(OpenAiErrors::reply);
        ChatRoute route = new ChatRoute(catalog);
        for (String prefix : PREFIXES) {
            handsOff.post(prefix + "/chat/completions", route);
        }
        web.serve(
                PREFIXES.stream().map(prefix -> prefix + "/*").toList(),
                List.of(new ApiFilter(keys), handsOff.build()),
                new ApiServlet(catalog));
        web.serve("/", new PageServlet());
    }
}
