import { mount } from "svelte";

import App from "./App.svelte";
import { startLanguage } from "./lib/preferences.svelte.ts";
import { startRouter } from "./lib/router.svelte.ts";
import { loadSession } from "./lib/session.svelte.ts";
import { speak } from "./lib/words.svelte.ts";
import "./tokens.css";
import "./page.css";
import "./prose.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

startRouter();
await Promise.all([speak(startLanguage()), loadSession()]);
mount(App, { target });
