/**
 * The gate between a model's words and the document: an allow-list of tags and attributes, and nothing else.
 *
 * Covered: no id, style, src or event attribute; links go to https or mailto only; no tag that loads, runs, submits or
 * covers anything. Classes are ours alone: `language-*`, `hljs-*`, `math`, `image`. The result is a fragment, so that no
 * HTML text is parsed a second time. The page's policy (CSP, Trusted Types) stands behind it.
 */

import DOMPurify, { type Config } from "dompurify";

const PROSE = [
  "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
  "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const MATHML = [
  "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts", "mroot", "mrow",
  "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none", "semantics",
];
const MATHML_ATTRIBUTES = [
  "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
  "largeop", "linethickness", "lspace", "mathcolor", "mathvariant", "maxsize", "minsize", "movablelimits", "notation", "rowlines",
  "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width", "xmlns",
];
const LINK = /^(?:https:\/\/|mailto:)/i;
const CLASS = /^(?:language-[\w+#.-]{1,32}|hljs(?:-[\w-]+)?|math|display|image|function_|class_|inherited__|constant_|invoke__|language_|title|property|subst|operator|punctuation|escape)$/;

const COMMON: Config = {
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: LINK,
  FORBID_CONTENTS: ["script", "style", "template", "noscript", "iframe", "svg"],
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook("uponSanitizeAttribute", (_node, data) => {
  if (data.attrName !== "class") return;
  data.attrValue = data.attrValue.split(/\s+/).filter((name) => CLASS.test(name)).join(" ");
  if (!data.attrValue) data.keepAttr = false;
});

const fragment = (dirty: string, config: Config): DocumentFragment =>
  DOMPurify.sanitize(dirty, { ...config, RETURN_DOM_FRAGMENT: true }) as unknown as DocumentFragment;

/** A block of an answer. */
export function prose(dirty: string): DocumentFragment {
  return fragment(dirty, {
    ...COMMON,
    ALLOWED_TAGS: [...PROSE, "#text"],
    ALLOWED_ATTR: ["align", "class", "href", "start", "title"],
    ADD_URI_SAFE_ATTR: ["align", "start"],
    ALLOWED_NAMESPACES: ["http://www.w3.org/1999/xhtml"],
  });
}

/** What KaTeX made: MathML only. */
export function mathematics(dirty: string): DocumentFragment {
  return fragment(dirty, { ...COMMON, ALLOWED_TAGS: [...MATHML, "#text"], ALLOWED_ATTR: MATHML_ATTRIBUTES, ADD_URI_SAFE_ATTR: MATHML_ATTRIBUTES });
}

/** What the highlighter made: spans with its classes. */
export function coloured(dirty: string): DocumentFragment {
  return fragment(dirty, { ...COMMON, ALLOWED_TAGS: ["span", "#text"], ALLOWED_ATTR: ["class"] });
}
