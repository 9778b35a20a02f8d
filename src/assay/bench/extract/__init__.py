"""Finding the answer in what a model said. Each finder is told whether the words are whole: of an answer that was cut off, only what
is marked as the final answer counts."""
