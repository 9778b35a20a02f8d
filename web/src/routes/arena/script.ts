/** The words of one side in one turn, as they come. Not reactive: a column listens, so that no token passes through the page's state. */

export class Script {
  text = "";
  over = false;
  onchange: () => void = () => {};

  /** With `text`, a script that is whole already. */
  constructor(text?: string) {
    if (text === undefined) return;
    this.text = text;
    this.over = true;
  }

  push(text: string): void {
    if (text === "") return;
    this.text += text;
    this.onchange();
  }

  end(): void {
    this.over = true;
    this.onchange();
  }
}
