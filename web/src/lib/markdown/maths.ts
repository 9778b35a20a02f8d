/** Sets mathematics as MathML. KaTeX is fetched when the first formula comes; until then, and on bad TeX, the source stands. */

import { mathematics } from "./sanitise.ts";

type Katex = typeof import("katex").default;

let katex: Katex | null = null;
let coming: Promise<void> | null = null;

/** Sets the formulas in `root`, or asks for KaTeX and calls `arrived` when it has come. */
export function setMaths(root: ParentNode, arrived: () => void): void {
  const formulas = root.querySelectorAll<HTMLElement>("code.math:not([data-bad])");
  if (formulas.length === 0) return;
  if (!katex) {
    coming ??= import("katex").then((module) => {
      katex = module.default;
    });
    void coming.then(arrived);
    return;
  }
  for (const formula of formulas) setOne(katex, formula);
}

function setOne(katex: Katex, formula: HTMLElement): void {
  const options = {
    output: "mathml", displayMode: formula.classList.contains("display"), throwOnError: true, trust: false,
    strict: "ignore", maxExpand: 500, maxSize: 20,
  } as const;
  try {
    formula.replaceWith(mathematics(katex.renderToString(formula.textContent ?? "", options)));
  } catch {
    formula.dataset["bad"] = "yes"; // Not TeX that KaTeX knows: the reader sees what the model wrote.
  }
}
