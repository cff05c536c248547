/** English words that say nothing about what a text is about. */
export const stopWords: ReadonlySet<string> = new Set(
  (
    "a about above after again all also am an and any are as at be because been before being between both but by can " +
    "could did do does doing down during each either else for from further had has have having he her here hers him " +
    "his how however i if in into is it its itself just may me might more most must my myself no nor not of off on " +
    "once only or other our ours out over own per same shall she should so some such than that the their theirs them " +
    "then there these they this those through thus to too under until up upon us very via was we were what when " +
    "where whether which while who whom whose why will with within without would you your yours"
  ).split(" "),
);
