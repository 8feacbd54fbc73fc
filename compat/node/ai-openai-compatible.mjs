// The Vercel AI SDK with its provider for servers that are compatible with OpenAI.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { runWith } from './ai.mjs';
import { ask } from './scenario.mjs';

await runWith(createOpenAICompatible({ name: 'chat', baseURL: ask.baseURL, apiKey: ask.apiKey }).chatModel(ask.model));
