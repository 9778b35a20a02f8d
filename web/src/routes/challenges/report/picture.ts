/** A chart of the page as an SVG file of its own: the styles that the page gave it are written into it. */

const COPIED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor", "opacity", "paint-order"] as const;
const COLOURS = new Set<string>(["fill", "stroke"]);

export function pictureOf(chart: SVGSVGElement): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const [shown, copied] = [elements(chart), elements(copy)];
  shown.forEach((element, at) => write(element, copied[at]));
  for (const element of elements(copy)) {
    element.removeAttribute("class");
    if (element.hasAttribute("data-screen-only")) element.remove();
  }
  const { width, height } = chart.getBoundingClientRect();
  copy.removeAttribute("aria-hidden");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.prepend(background(copy, getComputedStyle(document.body).backgroundColor));
  return new XMLSerializer().serializeToString(copy);
}

function elements(chart: SVGSVGElement): Element[] {
  return [chart, ...chart.querySelectorAll("*")];
}

function write(from: Element, to: Element | undefined): void {
  if (!to) return;
  const style = getComputedStyle(from);
  for (const name of COPIED) {
    const value = style.getPropertyValue(name);
    if (value) to.setAttribute(name, COLOURS.has(name) ? plain(value) : value);
  }
}

function background(chart: SVGSVGElement, colour: string): Element {
  const field = chart.ownerDocument.createElementNS("http://www.w3.org/2000/svg", "rect");
  field.setAttribute("width", "100%");
  field.setAttribute("height", "100%");
  field.setAttribute("fill", plain(colour));
  return field;
}

/** Programs that draw SVG know `rgba()`, few know `oklch()`: a canvas tells what a colour looks like. */
function plain(colour: string): string {
  if (colour === "none" || colour.startsWith("url")) return colour;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (!brush) return colour;
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 255] = brush.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? `rgb(${red},${green},${blue})` : `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
}
