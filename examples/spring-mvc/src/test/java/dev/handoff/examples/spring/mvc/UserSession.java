// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.mvc;

import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The browser of a user who has logged in by the login page: it has cookies and follows redirects. */
final class UserSession {

    private static final Pattern FORM_TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");
    private static final Pattern JSON_TOKEN = Pattern.compile("\"token\":\"([^\"]+)\"");

    final HttpClient client = HttpClient.newBuilder()
            .cookieHandler(new CookieManager())
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();

    private final RunningJar application;

    private UserSession(RunningJar application) {
        this.application = application;
    }

    static UserSession login(RunningJar application, String user, String password)
            throws IOException, InterruptedException {
        UserSession session = new UserSession(application);
        String form = session.send(HttpRequest.newBuilder(application.uri("/")).header("Accept", "text/html"))
                .body();
        HttpResponse<String> page = session.send(HttpRequest.newBuilder(application.uri("/login"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString("username=" + user + "&password=" + password + "&_csrf="
                        + URLEncoder.encode(find(FORM_TOKEN, form), StandardCharsets.UTF_8))));
        if (!page.body().contains("<title>Reports</title>")) {
            throw new AssertionError(user + " could not log in: " + page.statusCode() + ' ' + page.body());
        }
        return session;
    }

    /** Returns a request for a report, with the CSRF token of this session. */
    HttpRequest.Builder report(String topic) throws IOException, InterruptedException {
        String json = send(HttpRequest.newBuilder(application.uri("/csrf"))).body();
        return HttpRequest.newBuilder(application.uri("/reports"))
                .header("Content-Type", "text/plain")
                .header("X-CSRF-TOKEN", find(JSON_TOKEN, json))
                .POST(BodyPublishers.ofString(topic));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    HttpResponse<String> cancel(URI stream) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(stream).DELETE());
    }

    private static String find(Pattern token, String text) {
        Matcher matcher = token.matcher(text);
        if (!matcher.find()) {
            throw new AssertionError("no CSRF token in " + text);
        }
        return matcher.group(1);
    }
}
