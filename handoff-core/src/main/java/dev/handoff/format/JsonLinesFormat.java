// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** See {@link StreamFormat#jsonLines()}. */
final class JsonLinesFormat implements StreamFormat.EventFormat {

    static final JsonLinesFormat INSTANCE = new JsonLinesFormat();

    private JsonLinesFormat() {}

    @Override
    public String name() {
        return "json-lines";
    }

    @Override
    public Framing framing() {
        return Framing.jsonLines();
    }

    @Override
    public List<StreamFormat.Frame> frames(Event event) {
        return List.of(line(event.type(), event.data()));
    }

    @Override
    public List<StreamFormat.Frame> frames(End end) {
        StreamFormat.Frame line;
        if (end instanceof End.Completed completed) {
            line = line("completed", completed.result());
        } else if (end instanceof End.Failed failed) {
            line = problemLine("failed", failed.problem());
        } else {
            line = line("cancelled", null);
        }
        return List.of(line);
    }

    @Override
    public StreamFormat.Frame interrupted(Problem problem) {
        return problemLine("interrupted", problem);
    }

    private static StreamFormat.Frame line(@Nullable String type, @Nullable String data) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (type != null) {
            json.put("type", type);
        }
        if (data != null) {
            json.put("data", data);
        }
        return new StreamFormat.Frame(null, json.toString());
    }

    private static StreamFormat.Frame problemLine(String type, Problem problem) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", type);
        json.putRawValue("problem", new RawValue(problem.toJson()));
        return new StreamFormat.Frame(null, json.toString());
    }

    /** Returns whether a client asks for JSON lines and not for Server-Sent Events. Both have to be named: a wildcard names neither. */
    static boolean isAskedFor(@Nullable String accept) {
        return names(accept, Framing.jsonLines()) && !names(accept, Framing.serverSentEvents());
    }

    /** Returns whether a header field {@code Accept} (RFC 9110, 12.5.1) names a media type, and not with the weight 0. */
    private static boolean names(@Nullable String accept, Framing framing) {
        for (String range : accept == null ? new String[0] : accept.split(",")) {
            String[] parts =
                    range.toLowerCase(Locale.ROOT).replaceAll("\\s", "").split(";");
            if (parts.length > 0 && parts[0].equals(framing.contentType())) {
                boolean refused = List.of(parts).stream().anyMatch(part -> part.matches("q=0(\\.0{0,3})?"));
                return !refused;
            }
        }
        return false;
    }
}
