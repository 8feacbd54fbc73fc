// The Vercel AI SDK with its provider for OpenAI, which uses the Responses API by default.
import { createOpenAI } from '@ai-sdk/openai';
import { runWith } from './ai.mjs';
import { ask } from './scenario.mjs';

const provider = createOpenAI({ baseURL: ask.baseURL, apiKey: ask.apiKey });
await runWith(ask.setting === 'chat' ? provider.chat(ask.model) : provider(ask.model));
