/**
 * Answers by which a list says that it will not answer. They look like listings and are none; a client that takes them for
 * such rejects everyone's mail. The ranges hold for every list, since no list uses them otherwise.
 */

/** In words for an administrator: what a list means by this answer, four octets; undefined if it is not an error answer. */
export function errorAnswer(octets: readonly number[]): string | undefined {
  const [, second = 0, third = 0, last = 0] = octets;
  if (second === 255 && third === 255) return spamhausAnswers[last] ?? 'the list answers with an error code';
  return otherAnswers[`${second}.${third}.${last}`];
}

/** Spamhaus, public mirrors and Data Query Service: 127.255.255.x is reserved for errors. */
const spamhausAnswers: Readonly<Record<number, string>> = {
  250: 'the service key is disabled',
  251: 'the service key is not valid for this list',
  252: 'the zone name is mistyped',
  254: 'the question came through a public resolver, which the list does not answer; use a resolver of your own',
  255: 'too many questions from your resolver; the free limit is exceeded',
};

const otherAnswers: Readonly<Record<string, string>> = {
  '0.0.1': 'the list refuses your resolver (URIBL says so when asked too often or through a public resolver)',
  '0.0.255': 'too many questions from your resolver (DNSWL says so beyond its free limit)',
  '0.1.255': 'a list of domain names was asked about an address',
};
