/** Protocols under the names that their makers gave them, the same in every language. */

const TITLES: Record<string, string> = {
  openai_chat: "OpenAI Chat Completions",
  openai_responses: "OpenAI Responses",
  anthropic: "Anthropic Messages",
  gemini: "Gemini generateContent",
  bedrock_converse: "Bedrock Converse",
};

export function protocolTitle(name: string): string {
  return TITLES[name] ?? name;
}
