/**
 * Lists that are known to be gone. Asking them is worse than useless: a silent one costs time, and a domain that changed
 * hands often answers every question, which reads as "everyone is listed".
 */

export interface DeadZone {
  /** The list's domain; everything below it is meant too. */
  readonly domain: string;
  /** The year in which it ended. */
  readonly year: number;
  readonly reason: string;
}

export const deadZones: readonly DeadZone[] = [
  { domain: 'ordb.org', year: 2006, reason: 'ORDB was shut down; in 2008 it listed every address' },
  { domain: 'dsbl.org', year: 2008, reason: 'DSBL was shut down; its name servers went silent in 2009' },
  { domain: 'rfc-ignorant.org', year: 2012, reason: 'RFC-Ignorant was shut down' },
  { domain: 'njabl.org', year: 2013, reason: 'NJABL was shut down; its domain changed hands and listed every address' },
  { domain: 'ahbl.org', year: 2015, reason: 'AHBL was shut down; it has listed every address since' },
  { domain: 'virbl.bit.nl', year: 2017, reason: 'VIRBL was shut down' },
  { domain: 'virbl.dnsbl.bit.nl', year: 2017, reason: 'VIRBL was shut down' },
  { domain: 'dnsbl.cyberlogic.net', year: 2018, reason: 'it was abandoned and answered every question' },
  { domain: 'spamcannibal.org', year: 2018, reason: 'SpamCannibal was shut down; its domain listed every address' },
  { domain: 'spam.abuse.ch', year: 2019, reason: 'abuse.ch took its spam list down' },
  { domain: 'emailbasura.org', year: 2019, reason: 'the domain expired and answered every question' },
  { domain: 'megarbl.net', year: 2019, reason: 'the domain expired and answered every question' },
  { domain: 'dnsbl.inps.de', year: 2020, reason: 'the inps.de list was shut down' },
  { domain: 'sorbs.net', year: 2024, reason: 'SORBS was decommissioned by its owner and holds no data' },
  { domain: 'wpbl.info', year: 2024, reason: 'WPBL was shut down; its name servers point nowhere' },
  { domain: 'dnsbl.manitu.net', year: 2025, reason: 'NiX Spam was shut down; the zone is empty' },
  { domain: 'dnsbl.madavi.de', year: 2025, reason: 'the madavi.de list was shut down' },
];
