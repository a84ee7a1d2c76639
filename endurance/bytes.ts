/**
 * Bytes from strangers: milter packets, DNS replies, list files, the configuration file; at the parsers themselves, in millions, and over
 * sockets at the daemon.
 */
import { dnsCases } from './bytes/dns.ts';
import { fileCases } from './bytes/files.ts';
import { milterCases } from './bytes/milter.ts';
import { peerCases } from './bytes/peers.ts';
import type { Case } from './case.ts';

export const bytesCases: readonly Case[] = [...milterCases, ...dnsCases, ...fileCases, ...peerCases];
