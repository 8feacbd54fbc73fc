import dev.langchain4j.http.client.jdk.JdkHttpClientBuilder;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.api.OpenAiApi;
import org.springframework.http.MediaType;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.reactive.function.client.WebClient;

/** What clients for Java make of a 303, with the settings of docs/clients.md and without. Argument: the URL of bin/chat. */
final class JavaClients {

    private static final String HINT = "let the HTTP client follow redirects";

    private static int checks;

    private JavaClients() {}

    private static void check(String what, Predicate<String> expected, Callable<String> call) {
        String seen;
        try {
            seen = String.valueOf(call.call());
        } catch (Exception e) {
            seen = "throws " + e;
        }
        if (!expected.test(seen)) {
            System.err.println("FAILED (redirects): " + what + ": " + seen);
            System.exit(1);
        }
        checks++;
    }

    private static Predicate<String> has(String text) {
        return seen -> seen.contains(text);
    }

    /** The JSON of the 303, handed to the caller as if it were the answer. */
    private static Predicate<String> hintAsData() {
        return seen -> seen.contains(HINT) && !seen.startsWith("throws");
    }

    /** An error whose message says what to do. */
    private static Predicate<String> hintAsError() {
        return seen -> seen.contains(HINT) && seen.startsWith("throws");
    }

    private static String body(boolean stream) {
        return "{\"model\":\"echo\",\"stream\":" + stream + ",\"messages\":[{\"role\":\"user\",\"content\":\"one two\"}]}";
    }

    public static void main(String[] arguments) throws Exception {
        String base = arguments[0];
        String url = base + "/v1/chat/completions";

        HttpClient following = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
        check("HttpClient", has("303"), () -> post(HttpClient.newHttpClient(), url));
        check("HttpClient, following", has("[DONE]"), () -> post(following, url));

        check("HttpURLConnection", has("[DONE]"), () -> post(url, false));
        check("HttpURLConnection, fixed length", has("HttpRetryException"), () -> post(url, true));

        check("RestClient", hintAsData(), () -> post(RestClient.builder(), url));
        check(
                "RestClient, simple",
                hintAsData(),
                () -> post(RestClient.builder().requestFactory(new SimpleClientHttpRequestFactory()), url));
        check("RestTemplate", hintAsData(), () -> new RestTemplate().postForObject(url, body(false), String.class));
        RestClient.Builder rest = RestClient.builder().requestFactory(new JdkClientHttpRequestFactory(following));
        check("RestClient, following", has("\"content\":\"one two\""), () -> post(rest.clone(), url));

        check("WebClient", hintAsData(), () -> post(WebClient.builder(), url));
        WebClient.Builder web = WebClient.builder()
                .clientConnector(new ReactorClientHttpConnector(reactor.netty.http.client.HttpClient.create().followRedirect(true)));
        check("WebClient, following", has("[DONE]"), () -> post(web.clone(), url));

        OpenAiApi deaf = OpenAiApi.builder().baseUrl(base).apiKey("any").build();
        check("Spring AI 1", has("generations=[]"), () -> String.valueOf(model(deaf).call(new Prompt("one two"))));
        check(
                "Spring AI 1, stream",
                has("[]"),
                () -> String.valueOf(model(deaf).stream("one two").collectList().block()));
        OpenAiApi api = OpenAiApi.builder().baseUrl(base).apiKey("any").restClientBuilder(rest).webClientBuilder(web).build();
        check(
                "Spring AI 1, following",
                has("one two"),
                () -> model(api).call(new Prompt("one two")).getResult().getOutput().getText());
        check(
                "Spring AI 1, following, stream",
                has("one two"),
                () -> String.join("", model(api).stream("one two").collectList().block()));

        JdkHttpClientBuilder never = new JdkHttpClientBuilder();
        check("LangChain4j", hintAsError(), () -> plain(never, base));
        check("LangChain4j, stream", hintAsError(), () -> streamed(never, base));
        JdkHttpClientBuilder http = new JdkHttpClientBuilder().httpClientBuilder(HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL));
        check("LangChain4j, following", has("one two"), () -> plain(http, base));
        check("LangChain4j, following, stream", has("one two"), () -> streamed(http, base));

        System.out.println("redirects: " + checks + " passed for Java, 0 failed");
        System.exit(0); // reactor-netty keeps threads
    }

    private static String post(HttpClient client, String url) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .POST(HttpRequest.BodyPublishers.ofString(body(true)))
                .build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        return response.statusCode() + " " + response.body();
    }

    private static String post(String url, boolean fixedLength) throws Exception {
        HttpURLConnection connection =
                (HttpURLConnection) URI.create(url).toURL().openConnection();
        byte[] content = body(true).getBytes(StandardCharsets.UTF_8);
        connection.setDoOutput(true);
        if (fixedLength) {
            connection.setFixedLengthStreamingMode(content.length);
        }
        connection.getOutputStream().write(content);
        return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static String post(RestClient.Builder client, String url) {
        return client.build().post().uri(url).body(body(false)).retrieve().body(String.class);
    }

    private static String post(WebClient.Builder client, String url) {
        return String.valueOf(client.build()
                .post()
                .uri(url)
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(body(true))
                .retrieve()
                .bodyToFlux(String.class)
                .collectList()
                .block());
    }

    private static OpenAiChatModel model(OpenAiApi api) {
        return OpenAiChatModel.builder()
                .openAiApi(api)
                .defaultOptions(OpenAiChatOptions.builder().model("echo").build())
                .build();
    }

    private static String plain(JdkHttpClientBuilder client, String base) {
        return dev.langchain4j.model.openai.OpenAiChatModel.builder()
                .httpClientBuilder(client)
                .baseUrl(base + "/v1")
                .apiKey("any")
                .modelName("echo")
                .maxRetries(0)
                .build()
                .chat("one two");
    }

    private static String streamed(JdkHttpClientBuilder client, String base) throws Exception {
        CompletableFuture<String> text = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder()
                .httpClientBuilder(client)
                .baseUrl(base + "/v1")
                .apiKey("any")
                .modelName("echo")
                .build()
                .chat("one two", new StreamingChatResponseHandler() {
                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        text.complete(response.aiMessage().text());
                    }

                    @Override
                    public void onError(Throwable error) {
                        text.completeExceptionally(error);
                    }
                });
        return text.get(30, TimeUnit.SECONDS);
    }
}
