/** The text collections of the ChemPile. */
export const chemPileSubsets = [
  "education",
  "lift",
  "lift-uncompleted",
  "code",
  "reasoning",
  "paper",
  "caption",
] as const;
