// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatParamsTest {

    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    private static HttpResponse<String> post(String fields) {
        return chat.post("{\"model\":\"echo\"," + fields + '}');
    }

    private static void assertRefused(HttpResponse<String> response, String param) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode error = Json.parse(response.body()).get("error");
        assertThat(error.get("type").asText()).isEqualTo("invalid_request_error");
        assertThat(error.get("param").asText()).as(response.body()).isEqualTo(param);
        assertThat(error.get("message").asText()).startsWith("'" + param + "' ");
    }

    @ParameterizedTest
    @DisplayName("a parameter with a wrong value is refused by its name")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            temperature                        | "temperature":99
            temperature                        | "temperature":-0.1
            temperature                        | "temperature":1e99999999999
            temperature                        | "temperature":"hot"
            top_p                              | "top_p":5
            top_p                              | "top_p":[]
            presence_penalty                   | "presence_penalty":2.01
            frequency_penalty                  | "frequency_penalty":-3
            max_tokens                         | "max_tokens":-1
            max_tokens                         | "max_tokens":0
            max_tokens                         | "max_tokens":"x"
            max_tokens                         | "max_tokens":1.5
            max_tokens                         | "max_tokens":99999999999999999999
            max_completion_tokens              | "max_completion_tokens":0
            seed                               | "seed":0.5
            seed                               | "seed":9223372036854775808
            n                                  | "n":0
            n                                  | "n":129
            n                                  | "n":"1"
            stop                               | "stop":["a","b","c","d","e"]
            stop                               | "stop":7
            stop                               | "stop":""
            stop[1]                            | "stop":["a",null]
            stop[0]                            | "stop":[""]
            logprobs                           | "logprobs":3
            top_logprobs                       | "logprobs":true,"top_logprobs":21
            top_logprobs                       | "top_logprobs":2
            logit_bias                         | "logit_bias":[]
            logit_bias.50256                   | "logit_bias":{"50256":101}
            logit_bias                         | "logit_bias":{"a word":101}
            parallel_tool_calls                | "parallel_tool_calls":"no"
            response_format                    | "response_format":"json"
            response_format.type               | "response_format":{}
            response_format.type               | "response_format":{"type":"xml"}
            response_format.json_schema        | "response_format":{"type":"json_schema"}
            response_format.json_schema        | "response_format":{"type":"json_schema","json_schema":1}
            response_format.json_schema.name   | "response_format":{"type":"json_schema","json_schema":{}}
            response_format.json_schema.schema | "response_format":{"json_schema":{"name":"a","schema":1},"type":"json_schema"}
            response_format.json_schema.strict | "response_format":{"type":"json_schema","json_schema":{"name":"a","strict":1}}
            tools                              | "tools":{}
            tools[0]                           | "tools":[1]
            tools[0].type                      | "tools":[{"function":{"name":"f"}}]
            tools[0].type                      | "tools":[{"type":1,"function":{"name":"f"}}]
            tools[1].function                  | "tools":[{"type":"function","function":{"name":"f"}},{"type":"function"}]
            tools[0].function                  | "tools":[{"type":"function","function":"f"}]
            tools[0].function.name             | "tools":[{"type":"function","function":{"name":"two words"}}]
            tools[0].function.name             | "tools":[{"type":"function","function":{"name":null}}]
            tools[0].function.parameters       | "tools":[{"type":"function","function":{"name":"f","parameters":[]}}]
            tools[0].custom                    | "tools":[{"type":"custom","custom":{}}]
            tool_choice                        | "tool_choice":"perhaps"
            tool_choice                        | "tool_choice":5
            tool_choice                        | "tool_choice":"required"
            tool_choice                        | "tool_choice":{"type":"function","function":{"name":"g"}},"tools":[{"type":"function","function":{"name":"f"}}]
            tool_choice.type                   | "tool_choice":{"function":{"name":"f"}}
            tool_choice.function               | "tool_choice":{"type":"function"}
            """)
    void aWrongValueIsRefused(String param, String fields) throws Exception {
        assertRefused(post(fields + ',' + MESSAGES), param);
    }

    @ParameterizedTest
    @DisplayName("a message with a wrong call of a tool is refused by the name of its field")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            messages[1].tool_call_id                        | {"role":"tool","content":"x"}
            messages[1].tool_call_id                        | {"role":"tool","content":"x","tool_call_id":5}
            messages[1].tool_calls                          | {"role":"assistant","tool_calls":"x"}
            messages[1].tool_calls[0]                       | {"role":"assistant","tool_calls":["x"]}
            messages[1].tool_calls[0].id                    | {"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":""}}]}
            messages[1].tool_calls[0].type                  | {"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]}
            messages[1].tool_calls[0].function              | {"role":"assistant","tool_calls":[{"id":"a","type":"function"}]}
            messages[1].tool_calls[0].function              | {"role":"assistant","tool_calls":[{"id":"a","type":"function","function":[]}]}
            messages[1].tool_calls[0].function.name         | {"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"arguments":""}}]}
            messages[1].tool_calls[0].function.arguments    | {"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{}}}]}
            """)
    void aWrongMessageIsRefused(String param, String message) throws Exception {
        assertRefused(post("\"messages\":[{\"role\":\"user\",\"content\":\"x\"}," + message + "]"), param);
    }

    @ParameterizedTest
    @DisplayName("each value that OpenAI's API allows is accepted, and so are unknown fields")
    @ValueSource(
            strings = {
                "\"temperature\":2,\"top_p\":0.0,\"presence_penalty\":-2,\"frequency_penalty\":1.5",
                "\"temperature\":null,\"max_tokens\":null,\"stop\":null,\"n\":null,\"tools\":null,\"tool_choice\":null",
                "\"max_tokens\":1,\"max_completion_tokens\":9223372036854775807,\"seed\":-5",
                "\"stop\":[\"a\",\"b\",\"c\",\"d\"],\"logprobs\":true,\"top_logprobs\":20",
                "\"logit_bias\":{\"1\":-100,\"2\":100},\"parallel_tool_calls\":false,\"user\":\"u\"",
                "\"response_format\":{\"type\":\"text\"}",
                "\"response_format\":{\"type\":\"json_object\"}",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{},\"strict\":null}}",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{},\"strict\":true}},"
                        + "{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}},{\"type\":\"other\"}],\"tool_choice\":\"auto\"",
                "\"tools\":[],\"tool_choice\":\"none\",\"reasoning_effort\":\"low\",\"unheard_of\":{\"n\":[0]}",
                "\"n\":0,\"n\":1,\"stop\":7,\"stop\":\"a\",\"tools\":1,\"tools\":[]",
            })
    void anAllowedValueIsAccepted(String fields) {
        assertThat(post(fields + ',' + MESSAGES).statusCode()).isEqualTo(303);
    }

    @ParameterizedTest
    @DisplayName("a conversation with calls of tools and their results is accepted")
    @ValueSource(strings = {"null", "\"\"", "[{\"type\":\"text\",\"text\":\"let me see\"}]"})
    void aConversationWithCallsIsAccepted(String content) {
        ObjectNode request = TestChat.ask(false, "one");
        String messages = request.get("messages").toString();

        assertThat(post("\"messages\":" + messages.substring(0, messages.length() - 1)
                                + ",{\"role\":\"assistant\",\"content\":" + content + ",\"tool_calls\":["
                                + "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
                                + "{\"id\":\"b\",\"type\":\"custom\",\"custom\":{\"name\":\"c\",\"input\":\"x\"}}]},"
                                + "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"7\"},"
                                + "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":[{\"type\":\"text\",\"text\":\"8\"}]}]")
                        .statusCode())
                .isEqualTo(303);
    }
}
