/**
 * The forerunner's options and the keys that they have become here, for who writes them into a file out of habit.
 */

export interface ForerunnersOption {
  readonly option: string;
  readonly key: string;
  readonly flag: string;
  readonly remark: string;
}

export const forerunnersOptions: readonly ForerunnersOption[] = [
  { option: 'filtername', key: 'name', flag: '-n, --name', remark: 'was `pyfilter`' },
  { option: 'socket', key: 'socket', flag: '-s, --socket', remark: 'was `/var/run/pythonfilter.sock`; may be a list' },
  { option: 'debugfile', key: 'dns.debugFile', flag: '--debugfile', remark: 'the log of DNS questions and answers' },
  { option: 'verb', key: 'log.verbosity', flag: '-v, --verbose', remark: 'warnings are always logged: 0 is its 1' },
  { option: 'cachedb', key: 'database', flag: '--cachedb', remark: 'was `:memory:`; a file now unless told otherwise' },
  { option: 'policy', key: 'dnsbl.policy', flag: '--policy', remark: 'also a number of zones, or a score' },
  { option: 'reject', key: 'dnsbl.action', flag: '--reject, --no-reject', remark: 'true is `reject`, false is `tag`' },
  { option: 'greytimeout', key: 'greylist.delay', flag: '--greytimeout', remark: 'seconds, or a duration such as 5m' },
  { option: 'custom-wl', key: 'whitelist.files', flag: '--custom-wl', remark: 'the same form, and networks besides' },
  { option: 'custom-bl', key: 'blacklist.files', flag: '--custom-bl', remark: 'the same form, and networks besides' },
  {
    option: 'add_dnsbl',
    key: 'dnsbl.zones',
    flag: '-a, --addbl',
    remark: '`message`, `code` and `enhanced` go with a zone',
  },
];

/** The key to use in place of one of the forerunner's. */
export function forerunnersKey(option: string): string | undefined {
  const key = forerunnersOptions.find(
    known => known.option === option.replaceAll('_', '-') || known.option === option,
  )?.key;
  return key === option ? undefined : key;
}
