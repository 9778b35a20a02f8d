/** What the stand-in's contestants say: every construct that an answer may hold, and some that it may not. */

export const ANSWERS = [
  `Sort the intervals by where they start, then sweep once and **merge while they overlap**.

\`\`\`python
def merge(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching intervals become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:  # touches the last one
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
\`\`\`

### Cost

Sorting dominates: $O(n \\log n)$ time, and $O(n)$ space for the result.

$$
T(n) = \\sum_{i=1}^{n} \\log i = \\Theta(n \\log n)
$$

| case | input | result |
|---|---|---|
| apart | \`[(1, 2), (4, 5)]\` | unchanged |
| nested | \`[(1, 9), (3, 4)]\` | \`[(1, 9)]\` |
| touching | \`[(1, 2), (2, 3)]\` | \`[(1, 3)]\` |

1. Empty input gives an empty list.
2. Order of input does not matter.
   - Duplicates collapse.

See [the documentation](https://docs.python.org/3/library/functions.html#sorted) for \`sorted\`.`,
  `Here is one way, with a small test beside it.

> Two intervals overlap when each begins before the other ends.

\`\`\`python
from itertools import pairwise

def merge(xs):
    out = []
    for s, e in sorted(xs):
        if out and s <= out[-1][1]:
            out[-1][1] = max(out[-1][1], e)
        else:
            out.append([s, e])
    return out

assert merge([(3, 4), (1, 9)]) == [[1, 9]]
assert all(a[1] < b[0] for a, b in pairwise(merge([(1, 2), (4, 6)])))
\`\`\`

<script>alert("hostile")</script> and <img src=x onerror=alert(1)> stay text.

![a chart](https://example.com/track.png)

中文也一样：先按起点排序，再扫一遍，重叠就合并。

- [x] sorted input
- [ ] open ends

That is all: linear after the sort, and it keeps the input as it was.`,
];

const PARAGRAPH = "The assayer weighs a sample, melts it with lead in a cupel of bone ash, and weighs the bead that is left; the difference is what the metal claimed and was not. ";

/** About 1,600 tokens, as a stream of 200 tokens a second would bring in eight seconds. */
export const LONG = Array.from({ length: 8 }, (_, at) =>
  `## Part ${at + 1}\n\n${PARAGRAPH.repeat(2)}With $x_${at} = \\frac{${at}}{7}$ and **weights** that sum to one:\n\n- first, \`weigh(sample)\`\n- then, cupellation\n- last, the touchstone\n\n\`\`\`typescript\nexport function fineness(before: number, after: number): number {\n  // parts per thousand, as stamped\n  return Math.round((after / before) * 1000);\n}\n\`\`\`\n\n| metal | fineness | weight |\n|---|---:|---:|\n| silver | 925 | 12.4 |\n| gold | 750 | 8.1 |\n\n${PARAGRAPH}`,
).join("\n\n");
