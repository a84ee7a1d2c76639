import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCalloutSender } from '../../src/policy/callout.ts';

for (const sender of [
  '',
  'postmaster@example.net',
  'PostMaster@example.net',
  'postmaster',
  'double-bounce@mx.example.net',
]) {
  test(`<${sender}> is a callout sender`, () => assert.ok(isCalloutSender(sender)));
}

for (const sender of [
  'a@example.net',
  'postmaster.x@example.net',
  'xpostmaster@example.net',
  'a@postmaster',
  'abuse@example.net',
]) {
  test(`<${sender}> is none`, () => assert.ok(!isCalloutSender(sender)));
}
