// SPDX-License-Identifier: Apache-2.0

//! async-openai. Prints what it tells its user.

use async_openai::{
    Chat, Client,
    config::OpenAIConfig,
    error::OpenAIError,
    traits::RequestOptionsBuilder,
    types::chat::{CreateChatCompletionRequest, FunctionCall},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

const ABORT_AFTER: usize = 3;
const STREAMS: [&str; 7] = [
    "stream",
    "failure-stream",
    "limited",
    "abort",
    "silence",
    "resume",
    "large",
];

#[derive(Default)]
struct Seen {
    text: String,
    finish: Value,
    tool: Value,
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (scenario, base, key, model) = (args[1].as_str(), &args[2], &args[3], &args[4]);
    let client = Client::with_config(OpenAIConfig::new().with_api_base(base).with_api_key(key));
    let request = request(scenario, model);

    let mut seen = Seen::default();
    let outcome = if STREAMS.contains(&scenario) {
        stream(&client, request, scenario == "abort", &mut seen).await
    } else {
        plain(&client, request, &mut seen).await
    };
    let (outcome, error, status) = match outcome {
        Ok(outcome) => (outcome, None, None),
        Err(e) => ("error", Some(described(&e)), status(&e)),
    };
    println!(
        "{}",
        json!({
            "outcome": outcome, "text": seen.text, "finish": seen.finish, "tool": seen.tool, "error": error, "status": status
        })
    );
    if outcome == "aborted" {
        // A driver that ended at once would close a connection that the client leaves open. run.py closes standard input when it has looked.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    }
}

fn request(scenario: &str, model: &str) -> CreateChatCompletionRequest {
    let prompt = std::env::var("COMPAT_PROMPT").unwrap();
    let mut fields = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
    if scenario == "tools" {
        fields["tools"] = json!([{ "type": "function", "function": {
            "name": "get_weather",
            "description": "Returns the weather of a city.",
            "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }
        } }]);
    }
    let further: Value =
        serde_json::from_str(&std::env::var("COMPAT_ARGS").unwrap_or("{}".into())).unwrap();
    for (name, value) in further.as_object().unwrap() {
        fields[name] = value.clone();
    }
    serde_json::from_value(fields).unwrap()
}

/// Returns the chat of the client, with the header of the setting `idempotency-key`.
fn chat(client: &Client<OpenAIConfig>) -> Result<Chat<'_, OpenAIConfig>, OpenAIError> {
    match std::env::var("COMPAT_SETTING").as_deref() {
        Ok("idempotency-key") => client
            .chat()
            .header("Idempotency-Key", std::process::id().to_string()),
        _ => Ok(client.chat()),
    }
}

async fn plain(
    client: &Client<OpenAIConfig>,
    request: CreateChatCompletionRequest,
    seen: &mut Seen,
) -> Result<&'static str, OpenAIError> {
    let choice = chat(client)?.create(request).await?.choices.remove(0);
    seen.text = choice.message.content.unwrap_or_default();
    seen.finish = json!(choice.finish_reason);
    if let Some(call) = choice.message.tool_calls.into_iter().flatten().next() {
        let function: FunctionCall =
            serde_json::from_value(json!(call)["function"].clone()).unwrap();
        let arguments: Value = serde_json::from_str(&function.arguments).unwrap();
        seen.tool = json!({ "name": function.name, "arguments": arguments });
    }
    Ok("answer")
}

async fn stream(
    client: &Client<OpenAIConfig>,
    request: CreateChatCompletionRequest,
    abort: bool,
    seen: &mut Seen,
) -> Result<&'static str, OpenAIError> {
    let mut stream = chat(client)?.create_stream(request).await?;
    let mut parts = 0;
    while let Some(chunk) = stream.next().await {
        for choice in chunk?.choices {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                seen.text += &text;
                parts += 1;
            }
            if choice.finish_reason.is_some() {
                seen.finish = json!(choice.finish_reason);
            }
        }
        // The stream is dropped here, which is how a stream is closed in Rust.
        if abort && parts == ABORT_AFTER {
            return Ok("aborted");
        }
    }
    Ok("answer")
}

/// Returns the kind of the error and what it says.
fn described(e: &OpenAIError) -> String {
    let kind = format!("{e:?}");
    format!("{}: {e}", kind.split(['(', ' ']).next().unwrap_or_default())
}

fn status(e: &OpenAIError) -> Option<u16> {
    match e {
        OpenAIError::ApiError(response) => Some(response.status_code.as_u16()),
        OpenAIError::Reqwest(e) => e.status().map(|status| status.as_u16()),
        _ => None,
    }
}
