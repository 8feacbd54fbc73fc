// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.task.Task;
import dev.handoff.testkit.SseClient;
import dev.handoff.testkit.TestHandoff;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.ext.Provider;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.Principal;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.glassfish.jersey.server.ResourceConfig;
import org.glassfish.jersey.servlet.ServletContainer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** The adapter on Jersey, in an application at {@code /shop} whose resources are below {@code /shop/api}, over HTTP. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JerseyTest {

    private final TestHandoff test = TestHandoff.builder()
            .handler("report", (task, output) -> output.emit("page", task.payload() + " for " + task.subject()))
            .settings(settings -> settings.eventsUrl("/shop/events"))
            .build();
    private final List<String> filtered = new CopyOnWriteArrayList<>();
    private final Server server = new Server(0);
    private URI api;

    @BeforeAll
    void start() throws Exception {
        ResourceConfig application = new ResourceConfig()
                .register(new UserFilter())
                .register(new ProblemExceptionMapper())
                .register(new Reports(test.handoff()));
        ServletContextHandler context = new ServletContextHandler("/shop");
        context.addServlet(new ServletHolder(new ServletContainer(application)), "/api/*");
        context.addServletContainerInitializer((types, servlets) -> HandoffServlets.register(
                servlets,
                EventStreamServlet.builder(StreamEndpoint.of(test.handoff())).build(),
                "/events/*"));
        server.setHandler(context);
        server.start();
        api = URI.create(
                "http://127.0.0.1:" + ((ServerConnector) server.getConnectors()[0]).getLocalPort() + "/shop/api");
    }

    @AfterAll
    void stop() throws Exception {
        server.stop();
        test.close();
    }

    @Test
    @DisplayName("a resource hands off, and the client reads the stream")
    void handsOff() throws Exception {
        HttpRequest report = post("/reports", "rain", "X-User", "alice");
        HttpResponse<String> reply = send(report);
        assertThat(reply.statusCode()).isEqualTo(303);
        // JAX-RS makes the address absolute.
        URI location = URI.create(reply.headers().firstValue("Location").orElseThrow());
        assertThat(location.getAuthority()).isEqualTo(api.getAuthority());
        assertThat(location.getPath()).startsWith("/shop/events/");
        assertThat(reply.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(reply.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(reply.body()).contains("\"task\"");

        try (SseClient client = SseClient.open(report)) {
            assertThat(client).receives("page", "rain for alice").endsWith("completed");
        }
    }

    @Test
    @DisplayName("R10 two users with the same Idempotency-Key get two streams, and one user with another body gets 422")
    void idempotency() throws Exception {
        String alice = send(post("/reports", "rain", "X-User", "alice", "Idempotency-Key", "k1"))
                .body();
        String bob = send(post("/reports", "rain", "X-User", "bob", "Idempotency-Key", "k1"))
                .body();
        String again = send(post("/reports", "rain", "X-User", "alice", "Idempotency-Key", "k1"))
                .body();
        assertThat(again).isEqualTo(alice).isNotEqualTo(bob);

        HttpResponse<String> reused = send(post("/reports", "snow", "X-User", "alice", "Idempotency-Key", "k1"));
        assertThat(reused.statusCode()).isEqualTo(422);
        assertThat(reused.headers().firstValue("Content-Type")).contains(Problem.MEDIA_TYPE);
        assertThat(reused.body()).contains("idempotency_key_reused");
    }

    @Test
    @DisplayName("a resource sees all parts of the request but the content, which JAX-RS has given to it")
    void parts() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(api + "/parts/a%20b?q=%20c"))
                .header("X-User", "alice")
                .header("X-Twice", "1")
                .header("X-Twice", "2")
                .PUT(HttpRequest.BodyPublishers.ofString("content"))
                .build();
        assertThat(send(request).body().lines())
                .containsExactly(
                        "PUT /parts/a b",
                        "/shop/api",
                        "q=%20c",
                        "1, 2",
                        "null",
                        "alice",
                        "a b",
                        "null",
                        "content_consumed");
    }

    @Test
    @DisplayName("a filter of JAX-RS sees all parts of the request, and the resource can read the content again")
    void filterParts() throws Exception {
        filtered.clear();
        HttpResponse<String> answer = send(HttpRequest.newBuilder(URI.create(api + "/echo?q=%20c"))
                .headers("X-Filter", "1", "X-User", "alice", "Content-Type", "text/plain; charset=ISO-8859-1")
                .POST(HttpRequest.BodyPublishers.ofString("räin", ISO_8859_1))
                .build());
        assertThat(answer.body()).isEqualTo("räin");
        assertThat(filtered)
                .containsExactly(
                        "POST /echo",
                        "/shop/api",
                        "q=%20c",
                        "1",
                        "null",
                        "alice",
                        "tenant 7",
                        "null",
                        "räin",
                        "4 bytes");
    }

    @Test
    @DisplayName("a filter of JAX-RS can hand off before any resource")
    void filterHandsOff() {
        try (SseClient client = SseClient.open(post("/nowhere", "räin", "X-Filter", "hand-off", "X-User", "bob"))) {
            assertThat(client.uri().getPath()).startsWith("/shop/events/");
            assertThat(client).receives("page", "räin for bob").endsWith("completed");
        }
    }

    @Test
    @DisplayName("content that is no text, in an unknown charset or too large is refused")
    void badContent() throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(api + "/echo")).header("X-Filter", "1");
        HttpResponse<String> malformed = send(request.copy()
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {'a', (byte) 0xFF}))
                .build());
        assertThat(malformed.statusCode()).isEqualTo(400);
        assertThat(malformed.body()).contains("malformed_content");

        HttpResponse<String> unknown = send(request.copy()
                .header("Content-Type", "text/plain; charset=none")
                .POST(HttpRequest.BodyPublishers.ofString("a"))
                .build());
        assertThat(unknown.statusCode()).isEqualTo(415);
        assertThat(unknown.body()).contains("unsupported_charset");

        HttpResponse<String> large = send(request.copy()
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[(16 << 20) + 1]))
                .build());
        assertThat(large.statusCode()).isEqualTo(413);
        assertThat(large.body()).contains("content_too_large");
    }

    @Test
    @DisplayName("a problem of the application is answered with its header fields")
    void problem() throws Exception {
        HttpResponse<String> busy =
                send(HttpRequest.newBuilder(URI.create(api + "/problem/503")).build());
        assertThat(busy.statusCode()).isEqualTo(503);
        assertThat(busy.headers().firstValue("Retry-After")).isPresent();
        assertThat(send(HttpRequest.newBuilder(URI.create(api + "/problem/507")).build())
                        .body())
                .contains("\"code\":\"of_the_test\"");
    }

    @Test
    @DisplayName("a reply without content has none, and each value of a header field is a line")
    void responses() {
        assertThat(Responses.of(Reply.of(204)).hasEntity()).isFalse();
        Response response =
                Responses.of(Reply.of(200).adding("Set-Cookie", "a=1").adding("Set-Cookie", "b=2"));
        assertThat(response.getHeaders().get("Set-Cookie")).containsExactly("a=1", "b=2");
    }

    @Test
    @DisplayName("a request that JAX-RS did not create says how to declare it")
    void notInjected() {
        assertThatIllegalStateException()
                .isThrownBy(() -> new JaxrsHandoffRequest().method())
                .withMessageContaining("@BeanParam");
    }

    private HttpRequest post(String path, String body, String... headers) {
        return HttpRequest.newBuilder(URI.create(api + path))
                .headers(headers)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static HttpResponse<String> send(HttpRequest request) throws Exception {
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** The resources of the application. */
    @Path("/")
    public static final class Reports {

        private final Handoff handoff;

        Reports(Handoff handoff) {
            this.handoff = handoff;
        }

        @POST
        @Path("reports")
        public Response report(@BeanParam JaxrsHandoffRequest request, String topic) {
            return Responses.of(handoff.begin(request, Task.of("report", topic)));
        }

        @PUT
        @Path("parts/{name}")
        public String parts(@BeanParam JaxrsHandoffRequest request, @PathParam("name") String name) {
            String consumed = "readable";
            try {
                request.body();
            } catch (ProblemException e) {
                consumed = e.problem().code();
            }
            return String.join(
                    "\n",
                    request.method() + ' ' + request.path(),
                    request.contextPath(),
                    request.query(),
                    request.header("x-twice"),
                    request.header("x-missing"),
                    request.subject(),
                    request.pathVariable("name"),
                    String.valueOf(request.attribute("tenant")),
                    consumed);
        }

        @POST
        @Path("echo")
        public byte[] echo(byte[] content) {
            return new String(content, ISO_8859_1).getBytes(UTF_8);
        }

        @GET
        @Path("problem/{status}")
        public String problem(@PathParam("status") int status) {
            throw new ProblemException(status, "of_the_test", "The test needs it.");
        }
    }

    /** Sets the user of the request by a header field. Reads the content, or hands off, if the request has {@code X-Filter}. */
    @Provider
    @PreMatching
    private final class UserFilter implements ContainerRequestFilter {

        @Override
        public void filter(ContainerRequestContext context) {
            String user = context.getHeaderString("X-User");
            context.setSecurityContext(new NamedUser(user == null ? null : () -> user));
            context.setProperty("tenant", "tenant 7");
            String mode = context.getHeaderString("X-Filter");
            if (mode != null) {
                HandoffRequest request = JaxrsHandoffRequest.of(context);
                record(request);
                if (mode.equals("hand-off")) {
                    Task task = Task.of("report", request.body());
                    context.abortWith(Responses.of(test.handoff().begin(request, task)));
                }
            }
        }

        private void record(HandoffRequest request) {
            String variable = "null";
            try {
                variable = request.pathVariable("name");
            } catch (IllegalArgumentException e) {
                // No resource is chosen yet, so the path has no variables.
            }
            filtered.addAll(List.of(
                    request.method() + ' ' + request.path(),
                    request.contextPath(),
                    String.valueOf(request.query()),
                    String.valueOf(request.header("x-filter")),
                    String.valueOf(request.header("x-missing")),
                    String.valueOf(request.subject()),
                    String.valueOf(request.attribute("tenant")),
                    variable,
                    request.body(),
                    request.bodyBytes().length + " bytes"));
        }
    }

    private record NamedUser(Principal getUserPrincipal) implements SecurityContext {

        @Override
        public boolean isUserInRole(String role) {
            return false;
        }

        @Override
        public boolean isSecure() {
            return false;
        }

        @Override
        public String getAuthenticationScheme() {
            return "test";
        }
    }
}
