/** A greylist without a mail server: asks a policy about a client, a sender and recipients, and prints its verdicts. */
import * as greylist from 'milter-greylist';

const [client = '203.0.113.7', sender = 'a@example.net', ...recipients] = process.argv.slice(2);

const { config } = greylist.loadConfig(undefined);
const { logger } = greylist.openLog({ logFormat: config.log.format, verbosity: 0 });
const common = { clock: greylist.systemClock, timers: greylist.systemTimers };
const form = { prefix4: 24, prefix6: 64, senderKey: 'normalized' } as const;
const replies = greylist.compileReplies({ greylisted: 'Please come back in {TIME}' });

const policy = greylist.createPolicy({
  checks: greylist.standardChecks({ replies }),
  greylist: greylist.createGreylist({
    ...{ store: greylist.createMemoryStore(), timing: config.greylist, form, logger, ...common },
  }),
  replies,
  author: { product: 'ask-policy', host: 'localhost' },
  faults: new greylist.Faults(new greylist.RateLimited({ logger, timers: greylist.systemTimers })),
  ...common,
});

const session = {
  id: '1',
  address: greylist.parseAddress(client),
  transport: 'tcp',
  name: '',
  daemonName: undefined,
} as const;
const message = { session, helo: undefined, sender, authenticated: undefined, macros: greylist.noMacros };
for (const [index, recipient] of recipients.entries()) {
  const { verdict } = await policy.recipient({ ...message, recipient, id: `1.${index + 1}`, rejectedByMta: false });
  const text = 'reply' in verdict ? ` ${verdict.reply.code} ${verdict.reply.enhanced} ${verdict.reply.text}` : '';
  process.stdout.write(`${recipient}: ${verdict.action} ${verdict.reason}${text}\n`);
}
process.exit();
