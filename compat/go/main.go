// SPDX-License-Identifier: Apache-2.0

// The SDK of OpenAI for Go. Prints what it tells its user.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const abortAfter = 3

type tool struct {
	Name      string `json:"name"`
	Arguments any    `json:"arguments"`
}

type result struct {
	Outcome string  `json:"outcome"`
	Text    string  `json:"text"`
	Finish  *string `json:"finish"`
	Error   *string `json:"error"`
	Status  *int    `json:"status"`
	Tool    *tool   `json:"tool"`
}

func main() {
	scenario, base, key, model := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	client := openai.NewClient(option.WithBaseURL(base), option.WithAPIKey(key))
	request := openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(os.Getenv("COMPAT_PROMPT"))},
	}
	if scenario == "tools" {
		request.Tools = []openai.ChatCompletionToolUnionParam{weather()}
	}
	var seen result
	var err error
	switch scenario {
	case "plain", "failure-plain", "unauthorized", "missing", "bad", "retry", "tools":
		err = seen.plain(client, request)
	default:
		err = seen.stream(client, request, scenario == "abort")
	}
	if err != nil {
		seen.fail(err)
	}
	line, _ := json.Marshal(seen)
	fmt.Println(string(line))
	if seen.Outcome == "aborted" {
		// A driver that ended at once would close a connection that the client leaves open. run.py closes standard input when it has looked.
		_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
	}
}

func weather() openai.ChatCompletionToolUnionParam {
	return openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
		Name:        "get_weather",
		Description: openai.String("Returns the weather of a city."),
		Parameters: openai.FunctionParameters{
			"type":       "object",
			"properties": map[string]any{"city": map[string]any{"type": "string"}},
			"required":   []string{"city"},
		},
	})
}

// further returns an option for each field in COMPAT_ARGS.
func further() []option.RequestOption {
	fields := map[string]any{}
	if args := os.Getenv("COMPAT_ARGS"); args != "" {
		if err := json.Unmarshal([]byte(args), &fields); err != nil {
			panic(err)
		}
	}
	var options []option.RequestOption
	for name, value := range fields {
		options = append(options, option.WithJSONSet(name, value))
	}
	return options
}

func (r *result) plain(client openai.Client, request openai.ChatCompletionNewParams) error {
	completion, err := client.Chat.Completions.New(context.Background(), request, further()...)
	if err != nil {
		return err
	}
	r.add(completion.Choices)
	return nil
}

// stream collects the chunks with the accumulator of the SDK.
func (r *result) stream(client openai.Client, request openai.ChatCompletionNewParams, abort bool) error {
	stream := client.Chat.Completions.NewStreaming(context.Background(), request, further()...)
	defer stream.Close()
	var whole openai.ChatCompletionAccumulator
	parts := 0
	for stream.Next() {
		chunk := stream.Current()
		whole.AddChunk(chunk)
		if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			parts++
		}
		if abort && parts == abortAfter {
			r.add(whole.Choices)
			r.Outcome = "aborted"
			return stream.Close()
		}
	}
	r.add(whole.Choices)
	return stream.Err()
}

func (r *result) add(choices []openai.ChatCompletionChoice) {
	r.Outcome = "answer"
	if len(choices) == 0 {
		return
	}
	r.Text = choices[0].Message.Content
	if finish := string(choices[0].FinishReason); finish != "" {
		r.Finish = &finish
	}
	if calls := choices[0].Message.ToolCalls; len(calls) > 0 {
		call := calls[0].Function
		r.Tool = &tool{Name: call.Name}
		_ = json.Unmarshal([]byte(call.Arguments), &r.Tool.Arguments)
	}
}

func (r *result) fail(err error) {
	r.Outcome = "error"
	text := fmt.Sprintf("%T: %v", err, err)
	var api *openai.Error
	if errors.As(err, &api) {
		r.Status = &api.StatusCode
		text += ", with the message: " + api.Message
	}
	r.Error = &text
}
