/** Protocols under the names that their makers gave them, the same in every language. */

const TITLES: Record<string, string> = {
  openai_chat: "OpenAI Chat Completions",
  openai_responses: "OpenAI Responses",
  anthropic: "Anthropic Messages",
  gemini: "Gemini generateContent",
  bedrock_converse: "Bedrock Converse",
};

/** In a line with others. */
const SHORT: Record<string, string> = {
  openai_chat: "Chat Completions", openai_responses: "Responses", anthropic: "Messages", gemini: "Gemini", bedrock_converse: "Converse",
};

export function shortTitle(name: string): string {
  return SHORT[name] ?? name;
}

export function protocolTitle(name: string): string {
  return TITLES[name] ?? name;
}
