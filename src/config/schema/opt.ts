/**
 * `optIn` and `optOut`: whom the greylist is for (`policy/opt.ts`).
 */
import * as z from 'zod';
import { checkException, type OptEntries } from '../../policy/opt.ts';
import { anyOf, mailAddress, someOf } from './patterns.ts';
import { parsed, type Schema } from './values.ts';

const full = z.strictObject({
  recipients: someOf('mail', mailAddress).describe('Domains and addresses.'),
  except: anyOf('mail', parsed(mailAddress, checkException)).describe('Addresses in those domains that are not meant.'),
});

export const optSchema: Schema<OptEntries> = z.union([
  full,
  someOf('mail', mailAddress).transform(
    (recipients): OptEntries => ({ recipients, except: { values: [], files: [] } }),
  ),
]);
